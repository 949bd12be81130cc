"""Images as a condition."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_vae.conditions.condition import Condition
from keras_vae.core import check_shape, register


@register
class Image(Condition):
    """An image, which networks get as it is: to be coloured, enlarged or completed (Sohn et al. 2015, section 5).

    Raw values have shape (batch, height, width, channels). The hidden part of an image to complete may hold a value
    that pixels do not have, such as -1. `ConvEncoder` and `ConvDecoder` resize it to each of their maps; dense trunks
    flatten it.

    Parameters
    ----------
    shape : tuple of int
        (height, width, channels), which need not be those of an observation.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If `shape` is not of three positive integers.

    Examples
    --------
    >>> Image((28, 28, 1))(tf.zeros([8, 28, 28, 1])).shape
    TensorShape([8, 28, 28, 1])
    """

    def __init__(self, shape: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.shape = check_shape("shape", shape)
        if len(self.shape) != 3:
            raise ValueError(
                "`shape` must be (height, width, channels); for numbers take `Vector`, for sequences `Embedded`. "
                f"Received: shape={self.shape}"
            )

    @property
    def value_shape(self) -> tuple[int, ...]:
        """The shape of one image."""
        return self.shape

    def call(self, values: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the images, of shape (batch, height, width, channels)."""
        return tf.cast(values, self.variable_dtype)

    def compute_output_shape(self, input_shape: Sequence[Any]) -> tuple:
        """Return the shape of the images."""
        return tuple(input_shape)

    def get_config(self) -> dict:
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "shape": self.shape}
