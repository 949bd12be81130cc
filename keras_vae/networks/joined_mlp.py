"""Dense layers on several inputs, a branch for each."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_vae.core import Settled, check_shape, register
from keras_vae.networks.mlp import MLP
from keras_vae.networks.trunk import Activation, Initializer


@register
class JoinedMLP(Settled, keras.layers.Layer):
    """A branch of dense layers for each input, joined by concatenation into further dense layers.

    It is the trunk of q(z1|x, z2) and p(x|z1, z2) in a hierarchical VAE (Tomczak & Welling 2018, section 4). An input
    with fewer rows than the last one meets each block of its rows: x, once through its branch, meets all samples of z2.

    Parameters
    ----------
    branch_units : sequence of int
        The width of each layer of a branch; all branches are alike.
    units : sequence of int
        The width of each layer after the branches are joined.
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
        If a width is out of range, or the input is not a list of tensors.

    Examples
    --------
    >>> JoinedMLP((300,), (300,))([tf.zeros([8, 28, 28, 1]), tf.zeros([8, 40])]).shape
    TensorShape([8, 300])
    """

    repeats_rows = True
    """Whether inputs with fewer rows than the last one are repeated here, past their branch."""

    def __init__(
        self,
        branch_units: Sequence[int] = (300,),
        units: Sequence[int] = (300,),
        *,
        activation: Activation = "auto",
        gated: bool = False,
        kernel_initializer: Initializer = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        expected = "a tuple of positive integers, such as (300,)"
        self.branch_units = check_shape("branch_units", branch_units, expected=expected)
        self.units = check_shape("units", units, expected=expected)
        self.joined = self._mlp(self.units, activation, gated, kernel_initializer)
        # The resolved arguments, as the networks keep them.
        self.activation, self.gated = self.joined.activation, self.joined.gated
        self.kernel_initializer = self.joined.kernel_initializer
        self.branches: list[MLP] = []

    def build(self, input_shape):
        """Make a branch for each input and build all layers."""
        if not isinstance(input_shape[0], (tuple, list)):
            raise ValueError(
                f"`JoinedMLP` must get a list of tensors. Received: one tensor of shape {tuple(input_shape)}"
            )
        for shape in input_shape:
            branch = self._mlp(self.branch_units, self.activation, self.gated, self.kernel_initializer)
            branch.trainable = self.trainable
            branch.build(shape)
            self.branches.append(branch)
        self.joined.build((None, len(input_shape) * self.branch_units[-1]))

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Run the branches and what joins them.

        Parameters
        ----------
        inputs : sequence of tf.Tensor
            Each of shape (batch, ...); the last one's batch is a multiple of the others'.

        Returns
        -------
        tf.Tensor
            Features of shape (batch, units[-1]), where batch is the last input's.
        """
        features = [branch(x) for branch, x in zip(self.branches, inputs, strict=True)]
        rows = keras.ops.shape(features[-1])[0]
        return self.joined(keras.ops.concatenate([self._repeated(part, rows) for part in features], axis=-1))

    def compute_output_shape(self, input_shape):
        """Return the shape of the features."""
        return (input_shape[0][0], self.units[-1])

    def get_config(self) -> dict[str, Any]:
        shared = self.joined.get_config()
        return {
            **super().get_config(),
            "branch_units": self.branch_units,
            "units": self.units,
            **{name: shared[name] for name in ("activation", "gated", "kernel_initializer")},
        }

    @staticmethod
    def _repeated(features, rows):
        own = keras.ops.shape(features)[0]
        if own is rows or (isinstance(own, int) and own == rows):
            return features
        repeated = keras.ops.tile(features, (rows // keras.ops.maximum(own, 1), 1))
        return keras.ops.reshape(repeated, (-1, features.shape[-1]))  # the width, which the number of tiles hides

    def _mlp(self, units, activation, gated, kernel_initializer):
        return MLP(
            units, activation=activation, gated=gated, kernel_initializer=kernel_initializer, dtype=self.dtype_policy
        )
