"""The contract of a schedule."""

import abc
from typing import Any, Self

import tensorflow as tf

from keras_vae.core import Settled


class Schedule(Settled, abc.ABC):
    """A value that depends on the optimizer's step.

    Subclasses implement `value` and `get_config` and are registered with Keras, so that a model that is saved in the
    middle of a schedule continues from there: the step is the optimizer's, and the optimizer is saved.
    """

    def __call__(self, step: int | tf.Tensor) -> tf.Tensor:
        """Evaluate the schedule.

        Parameters
        ----------
        step : int or scalar tensor
            The optimizer's step, from 0.

        Returns
        -------
        tf.Tensor
            Scalar, float32.
        """
        return self.value(tf.cast(step, tf.float32))

    @abc.abstractmethod
    def value(self, step: tf.Tensor) -> tf.Tensor:
        """Return the value at a step that is already a float32 scalar.

        Parameters
        ----------
        step : tf.Tensor
            Scalar, float32.

        Returns
        -------
        tf.Tensor
            Scalar, float32.
        """

    @abc.abstractmethod
    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the schedule.

        Returns
        -------
        dict
        """

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild a schedule from `get_config`.

        Parameters
        ----------
        config : dict
            The arguments.

        Returns
        -------
        Schedule
        """
        return cls(**config)
