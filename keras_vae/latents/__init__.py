"""Floor 1: arithmetic on latent codes, as NumPy arrays: paths between them, directions, grids."""

from keras_vae.latents.attribute_direction import attribute_direction
from keras_vae.latents.grid import grid
from keras_vae.latents.interpolate import interpolate

__all__ = ["attribute_direction", "grid", "interpolate"]
