"""Models: what trains, evaluates, encodes and generates."""

from keras_vae.models.divergence import DivergenceError
from keras_vae.models.inputs import collect, is_stream
from keras_vae.models.latent_variable_model import LatentVariableModel, Level
from keras_vae.models.load_model import load_model
from keras_vae.models.variants import VAE, HierarchicalVAE

__all__ = [
    "VAE",
    "DivergenceError",
    "HierarchicalVAE",
    "LatentVariableModel",
    "Level",
    "collect",
    "is_stream",
    "load_model",
]
