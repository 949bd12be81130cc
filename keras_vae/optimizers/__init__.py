"""Optimizers that published protocols ask for and Keras does not have."""

from keras_vae.optimizers.norm_scaled_adam import NormScaledAdam

__all__ = ["NormScaledAdam"]
