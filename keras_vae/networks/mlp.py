"""Dense layers, on flattened observations and on latent variables."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_vae.core import check_shape, register
from keras_vae.networks.trunk import Activation, Initializer, Trunk


class MLP(Trunk):
    """Flatten and concatenate what comes, then dense layers."""

    def __init__(
        self,
        units: Sequence[int] = (500, 500),
        *,
        activation: Activation = "auto",
        gated: bool = False,
        kernel_initializer: Initializer = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(activation=activation, gated=gated, kernel_initializer=kernel_initializer, **kwargs)
        self.units = check_shape("units", units, expected="a tuple of positive integers, such as (500, 500)")
        self.chain = [keras.layers.Flatten(dtype=self.dtype_policy), *map(self._dense, self.units)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@register
class MLPEncoder(MLP):
    """A multi-layer perceptron from observations to features.

    It flattens what it gets. Several inputs, `[x, z_above, condition]`, are concatenated.

    Parameters
    ----------
    units : sequence of int
        The width of each layer.
    activation : str or callable, optional
        The activation of each layer; "auto" is ReLU, and none where layers are gated.
    gated : bool
        Whether layers are `keras_vae.layers.GatedDense`.
    kernel_initializer : str or keras.initializers.Initializer
        How the weights begin.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If `units` is empty or holds anything but positive integers.

    Examples
    --------
    >>> MLPEncoder((500, 500))(tf.zeros([8, 28, 28, 1])).shape
    TensorShape([8, 500])
    """


@register
class MLPDecoder(MLP):
    """A multi-layer perceptron from latent variables to features, which the likelihood projects to its parameters.

    It flattens what it gets. Several inputs, `[z_1, ..., z_L, condition]`, are concatenated.

    Parameters
    ----------
    units : sequence of int
        The width of each layer.
    activation : str or callable, optional
        The activation of each layer; "auto" is ReLU, and none where layers are gated.
    gated : bool
        Whether layers are `keras_vae.layers.GatedDense`.
    kernel_initializer : str or keras.initializers.Initializer
        How the weights begin.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If `units` is empty or holds anything but positive integers.

    Examples
    --------
    >>> MLPDecoder((500, 500))(tf.zeros([8, 40])).shape
    TensorShape([8, 500])
    """
