"""Variational autoencoders for Keras 3 and TensorFlow: composed from parts, with the statistics right.

Every VAE is a choice of parts: an encoder and a decoder (plain Keras), a posterior, a prior, a likelihood and an
objective. See `keras_vae.VAE` for an example.
"""

from keras_vae import (
    callbacks,
    conditions,
    data,
    divergences,
    evaluation,
    export,
    latents,
    layers,
    likelihoods,
    models,
    networks,
    objectives,
    optimizers,
    plots,
    posteriors,
    pretrained,
    priors,
    schedules,
)
from keras_vae.layers import Sampling
from keras_vae.models import VAE, HierarchicalVAE, load_model
from keras_vae.pretrained import load_pretrained
from keras_vae.version import __version__

__all__ = [
    "VAE",
    "HierarchicalVAE",
    "Sampling",
    "__version__",
    "callbacks",
    "conditions",
    "data",
    "divergences",
    "evaluation",
    "export",
    "latents",
    "layers",
    "likelihoods",
    "load_model",
    "load_pretrained",
    "models",
    "networks",
    "objectives",
    "optimizers",
    "plots",
    "posteriors",
    "pretrained",
    "priors",
    "schedules",
]
