"""Variational autoencoders for Keras 3 and TensorFlow: composed from parts, with the statistics right.

Every VAE is a choice of parts: an encoder and a decoder (plain Keras), a posterior, a prior, a likelihood and an
objective. See `keras_vae.VAE` for an example.
"""

from keras_vae import (
    data,
    divergences,
    evaluation,
    layers,
    likelihoods,
    models,
    networks,
    objectives,
    optimizers,
    plots,
    posteriors,
    priors,
    schedules,
)
from keras_vae.layers import Sampling
from keras_vae.models import VAE, HierarchicalVAE
from keras_vae.version import __version__

__all__ = [
    "VAE",
    "HierarchicalVAE",
    "Sampling",
    "__version__",
    "data",
    "divergences",
    "evaluation",
    "layers",
    "likelihoods",
    "models",
    "networks",
    "objectives",
    "optimizers",
    "plots",
    "posteriors",
    "priors",
    "schedules",
]
