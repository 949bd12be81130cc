"""The contract of a condition."""

import abc
from typing import Any

import numpy as np
import tensorflow as tf

from keras_vae.core import Layer, Settled, Values, as_array


class Condition(Settled, Layer, abc.ABC):
    """What a model is conditioned on: checks raw values and turns them into what networks and priors take.

    Subclasses set `value_shape`, where they differ `support` and `integer_valued`, and implement `call`.

    Parameters
    ----------
    **kwargs
        Passed to `keras.layers.Layer`.
    """

    support: tuple[float, float] | None = None
    """The lowest and the highest raw value, if they are bounded."""

    integer_valued: bool = False
    """Whether raw values are whole numbers."""

    def __init__(self, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)  # raw values and codes keep their precision

    @property
    @abc.abstractmethod
    def value_shape(self) -> tuple[int, ...]:
        """The shape of one raw value; () for a label."""

    @property
    def values(self) -> Values:
        """What raw values must be like: a `keras_vae.core.Values`."""
        owner = f"the condition {type(self).__name__}"
        return Values(shape=self.value_shape, support=self.support, integer=self.integer_valued, owner=owner)

    def raw(self, values: Any) -> np.ndarray:
        """Return what a user passes to a verb as an array of raw values.

        Parameters
        ----------
        values : array_like
            One raw value, or several.

        Returns
        -------
        numpy.ndarray
        """
        return as_array(values, "condition")

    @abc.abstractmethod
    def call(self, values: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Turn raw values into what networks take.

        Parameters
        ----------
        values : tf.Tensor
            Shape (batch, *value_shape).
        training : bool
            Whether layers behave as in training.

        Returns
        -------
        tf.Tensor
            Shape (batch, ...).
        """

    def get_config(self) -> dict:
        """Return the arguments that rebuild the layer."""
        return super().get_config()  # Keras's own, without this, refuses a dtype policy
