"""Layers: the bricks of posteriors and networks."""

from keras_vae.layers.gated import GatedConv2D, GatedConv2DTranspose, GatedDense
from keras_vae.layers.sampling import Sampling

__all__ = ["GatedConv2D", "GatedConv2DTranspose", "GatedDense", "Sampling"]
