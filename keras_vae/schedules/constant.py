"""A value that stays."""

from typing import Any

import tensorflow as tf

from keras_vae.core import check_number, register
from keras_vae.schedules.schedule import Schedule


@register
class ConstantSchedule(Schedule):
    """The same value at every step.

    Parameters
    ----------
    constant : float
        The value.

    Raises
    ------
    ValueError
        If `constant` is not a finite number.
    """

    def __init__(self, constant: float) -> None:
        self.constant = check_number("constant", constant)

    def value(self, step: tf.Tensor) -> tf.Tensor:
        return tf.fill(tf.shape(step), self.constant)

    def get_config(self) -> dict[str, Any]:
        return {"constant": self.constant}
