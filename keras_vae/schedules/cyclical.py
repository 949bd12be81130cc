"""A warm-up that is repeated."""

from typing import Any

import tensorflow as tf

from keras_vae.core import check_integer, check_number, register
from keras_vae.schedules.schedule import Schedule


@register
class CyclicalSchedule(Schedule):
    """Go from `start` to `end` in a straight line, stay for the rest of the cycle, and begin again (Fu et al. 2019).

    With `t = (step mod cycle_steps) / cycle_steps`, `value(step) = start + (end - start) * min(t / ramp_fraction, 1)`.
    After `num_cycles` cycles, if they are limited, the value stays at `end`.

    Parameters
    ----------
    start, end : float
        The first and the last value of each cycle.
    cycle_steps : int
        Steps in a cycle, at least 1.
    ramp_fraction : float
        The part of the cycle that the line takes, in (0, 1].
    num_cycles : int, optional
        How many cycles there are; without end by default.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """

    def __init__(
        self,
        start: float,
        end: float,
        *,
        cycle_steps: int,
        ramp_fraction: float = 0.5,
        num_cycles: int | None = None,
    ) -> None:
        self.start = check_number("start", start)
        self.end = check_number("end", end)
        self.cycle_steps = check_integer("cycle_steps", cycle_steps, minimum=1)
        self.ramp_fraction = check_number("ramp_fraction", ramp_fraction, above=0.0)
        if self.ramp_fraction > 1.0:
            raise ValueError(f"`ramp_fraction` must be <= 1. Received: ramp_fraction={ramp_fraction!r}")
        self.num_cycles = None if num_cycles is None else check_integer("num_cycles", num_cycles, minimum=1)

    def value(self, step: tf.Tensor) -> tf.Tensor:
        within = tf.math.floormod(step, float(self.cycle_steps)) / self.cycle_steps
        value = self.start + (self.end - self.start) * tf.minimum(within / self.ramp_fraction, 1.0)
        if self.num_cycles is None:
            return value
        return tf.where(step < self.num_cycles * self.cycle_steps, value, self.end)

    def get_config(self) -> dict[str, Any]:
        return {
            "start": self.start,
            "end": self.end,
            "cycle_steps": self.cycle_steps,
            "ramp_fraction": self.ramp_fraction,
            "num_cycles": self.num_cycles,
        }
