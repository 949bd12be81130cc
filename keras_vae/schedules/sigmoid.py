"""A soft step from one value to another."""

from typing import Any

import tensorflow as tf

from keras_vae.core import check_number, register
from keras_vae.schedules.schedule import Schedule


@register
class SigmoidSchedule(Schedule):
    """Go from `start` to `end` along a logistic curve (Bowman et al. 2016, figure 2).

    `value(step) = start + (end - start) * sigmoid((step - midpoint) / width)`

    Parameters
    ----------
    start, end : float
        The values long before and long after the midpoint.
    midpoint : float
        The step at which the value is half way.
    width : float
        The curve's width in steps, above 0; 90 % of the way takes about 6 widths.

    Raises
    ------
    ValueError
        If an argument is not a finite number or `width` is not above 0.
    """

    def __init__(self, start: float, end: float, *, midpoint: float, width: float) -> None:
        self.start = check_number("start", start)
        self.end = check_number("end", end)
        self.midpoint = check_number("midpoint", midpoint)
        self.width = check_number("width", width, above=0.0)

    def value(self, step: tf.Tensor) -> tf.Tensor:
        return self.start + (self.end - self.start) * tf.sigmoid((step - self.midpoint) / self.width)

    def get_config(self) -> dict[str, Any]:
        return {"start": self.start, "end": self.end, "midpoint": self.midpoint, "width": self.width}
