"""Conditions: layers that check what a model is conditioned on and turn it into what networks take."""

from keras_vae.conditions.condition import Condition
from keras_vae.conditions.embedded import Embedded
from keras_vae.conditions.image import Image
from keras_vae.conditions.labels import Labels
from keras_vae.conditions.vector import Vector

__all__ = ["Condition", "Embedded", "Image", "Labels", "Vector"]
