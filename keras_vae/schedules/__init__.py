"""Schedules: serializable functions from the optimizer's step to a value, such as beta."""

from keras_vae.schedules.constant import ConstantSchedule
from keras_vae.schedules.cyclical import CyclicalSchedule
from keras_vae.schedules.linear import LinearSchedule
from keras_vae.schedules.schedule import Schedule
from keras_vae.schedules.sigmoid import SigmoidSchedule

__all__ = ["ConstantSchedule", "CyclicalSchedule", "LinearSchedule", "Schedule", "SigmoidSchedule"]
