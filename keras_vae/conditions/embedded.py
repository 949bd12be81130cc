"""Any Keras layer as a condition."""

from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from keras_vae.conditions.condition import Condition
from keras_vae.core import check_instance, check_shape, deserialize, register, serialize


@register
class Embedded(Condition):
    """The output of a Keras layer on raw values; the layer is trained with the model.

    `Embedded(keras.layers.Embedding(5000, 16), (), value_dtype="int32")` is a code of 16 learned numbers for each of
    5000 classes; `Embedded(recurrent, (20, 3))` is what a network makes of a sequence.

    Parameters
    ----------
    layer : keras.layers.Layer or keras.Model
        From raw values of shape (batch, *shape) to codes of shape (batch, ...).
    shape : tuple of int
        The shape of one raw value; () for a number.
    value_dtype : str
        The dtype in which the layer gets raw values, such as "int32"; those of an integer type must be whole numbers.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    TypeError
        If `layer` is not a Keras layer.
    ValueError
        If `shape` is not of positive integers, or `value_dtype` is not a type of numbers.

    Examples
    --------
    >>> Embedded(keras.layers.Embedding(5000, 16), (), value_dtype="int32")(tf.constant([4711, 3])).shape
    TensorShape([2, 16])
    """

    def __init__(self, layer: keras.layers.Layer, shape: Sequence[int], *, value_dtype: str = "float32", **kwargs: Any):
        super().__init__(**kwargs)
        self.layer = check_instance("layer", layer, keras.layers.Layer, "a Keras layer or model")
        self.shape = () if tuple(shape) == () else check_shape("shape", shape)
        self.value_dtype = value_dtype
        if _kind(value_dtype) not in "fiu":
            raise ValueError(
                '`value_dtype` must be a type of numbers, such as "float32" or "int32". '
                f"Received: value_dtype={value_dtype!r}"
            )

    @property
    def value_shape(self) -> tuple[int, ...]:
        """The shape of one raw value."""
        return self.shape

    @property
    def integer_valued(self) -> bool:
        """Whether raw values are whole numbers."""
        return _kind(self.value_dtype) in "iu"

    @property
    def support(self) -> tuple[float, float] | None:
        """The first and the last number that a Keras `Embedding` has a code for; of other layers nothing is known."""
        return (0.0, self.layer.input_dim - 1.0) if isinstance(self.layer, keras.layers.Embedding) else None

    def call(self, values: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the layer's codes, of shape (batch, ...)."""
        codes = self.layer(tf.cast(values, self.value_dtype), training=training)
        return tf.cast(codes, self.variable_dtype)

    def get_config(self) -> dict:
        """Return the arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "layer": serialize(self.layer),
            "shape": self.shape,
            "value_dtype": self.value_dtype,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild the condition and its layer."""
        return cls(**{**config, "layer": deserialize(config["layer"])})


def _kind(dtype):
    """Return NumPy's letter for a kind of type; "?" for anything else."""
    try:
        return np.dtype(dtype).kind
    except TypeError:
        return "?"
