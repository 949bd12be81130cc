"""Layers: the bricks of posteriors and networks."""

from keras_vae.layers.gated_conv2d import GatedConv2D
from keras_vae.layers.gated_conv2d_transpose import GatedConv2DTranspose
from keras_vae.layers.gated_dense import GatedDense
from keras_vae.layers.sampling import Sampling

__all__ = ["GatedConv2D", "GatedConv2DTranspose", "GatedDense", "Sampling"]
