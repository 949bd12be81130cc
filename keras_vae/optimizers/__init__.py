"""Optimizers on gradients of unit norm, which published protocols ask for and Keras does not have."""

from keras_vae.optimizers.norm_scaled import NormScaledAdam, NormScaledMuon

__all__ = ["NormScaledAdam", "NormScaledMuon"]
