"""A straight line from one value to another."""

from typing import Any

import tensorflow as tf

from keras_vae.core import check_integer, check_number, register
from keras_vae.schedules.schedule import Schedule


@register
class LinearSchedule(Schedule):
    """Go from `start` to `end` in a straight line, then stay: the warm-up of beta (Bowman et al. 2016, section 3).

    `value(step) = start + (end - start) * min(step / steps, 1)`

    Parameters
    ----------
    start, end : float
        The first and the last value.
    steps : int
        How many steps the line takes, at least 1.

    Raises
    ------
    ValueError
        If an argument is not a finite number or `steps` < 1.
    """

    def __init__(self, start: float, end: float, *, steps: int) -> None:
        self.start = check_number("start", start)
        self.end = check_number("end", end)
        self.steps = check_integer("steps", steps, minimum=1)

    def value(self, step: tf.Tensor) -> tf.Tensor:
        return self.start + (self.end - self.start) * tf.minimum(step / self.steps, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {"start": self.start, "end": self.end, "steps": self.steps}
