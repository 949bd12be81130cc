"""Numbers as a condition."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_vae.conditions.condition import Condition
from keras_vae.core import check_integer, register


@register
class Vector(Condition):
    """A vector of numbers, which networks get as it is (Sohn et al. 2015, section 4).

    Raw values have shape (batch, size). Bring them to a scale of about 1, as the inputs of any network.

    Parameters
    ----------
    size : int
        How many numbers there are for each example, at least 1.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If `size` < 1.

    Examples
    --------
    >>> Vector(2)(tf.constant([[0.5, -1.0]])).numpy()
    array([[ 0.5, -1. ]], dtype=float32)
    """

    def __init__(self, size: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = check_integer("size", size, minimum=1)

    @property
    def value_shape(self) -> tuple[int, ...]:
        """The shape of one vector."""
        return (self.size,)

    def call(self, values: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the vectors, of shape (batch, size)."""
        return tf.cast(values, self.variable_dtype)

    def compute_output_shape(self, input_shape: Sequence[Any]) -> tuple:
        """Return the shape of the vectors."""
        return tuple(input_shape)

    def get_config(self) -> dict:
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "size": self.size}
