"""A value that stays."""

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

    def __init__(self, constant):
        self.constant = check_number("constant", constant)

    def value(self, step):
        """Return the value at a float32 step."""
        return tf.fill(tf.shape(step), self.constant)

    def get_config(self):
        """Return the arguments that rebuild the schedule."""
        return {"constant": self.constant}
