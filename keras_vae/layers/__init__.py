"""Layers: the bricks of posteriors and networks."""

from keras_vae.layers.sampling import Sampling

__all__ = ["Sampling"]
