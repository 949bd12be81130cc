"""Models: what trains, evaluates, encodes and generates."""

from keras_vae.models.divergence_error import DivergenceError
from keras_vae.models.hierarchical_vae import HierarchicalVAE
from keras_vae.models.latent_variable_model import LatentVariableModel
from keras_vae.models.load_model import load_model
from keras_vae.models.vae import VAE

__all__ = ["VAE", "DivergenceError", "HierarchicalVAE", "LatentVariableModel", "load_model"]
