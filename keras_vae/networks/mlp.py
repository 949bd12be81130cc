"""The perceptron behind encoder and decoder."""

import keras

from keras_vae.core import check_shape
from keras_vae.networks.trunk import Trunk


class MLP(Trunk):
    """Flatten, then dense layers.

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
    """

    def __init__(
        self, units=(500, 500), *, activation="auto", gated=False, kernel_initializer="glorot_uniform", **kwargs
    ):
        super().__init__(activation=activation, gated=gated, kernel_initializer=kernel_initializer, **kwargs)
        self.units = check_shape("units", units, expected="a tuple of positive integers, such as (500, 500)")
        self.chain = [keras.layers.Flatten(dtype=self.dtype_policy), *map(self._dense, self.units)]

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "units": self.units}
