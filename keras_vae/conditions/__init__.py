"""Conditions: layers that check what a model is conditioned on and turn it into what networks take."""

from keras_vae.conditions.condition import Condition
from keras_vae.conditions.labels import Labels

__all__ = ["Condition", "Labels"]
