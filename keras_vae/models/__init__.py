"""Models: what trains, evaluates, encodes and generates."""

from keras_vae.models.hierarchical_vae import HierarchicalVAE
from keras_vae.models.latent_variable_model import LatentVariableModel
from keras_vae.models.vae import VAE

__all__ = ["VAE", "HierarchicalVAE", "LatentVariableModel"]
