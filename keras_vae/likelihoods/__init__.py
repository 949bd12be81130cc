"""Likelihoods p(x|z): layers from a decoder's features to parameters and distributions over events."""

from keras_vae.likelihoods.autoregressive_bernoulli import AutoregressiveBernoulli
from keras_vae.likelihoods.bernoulli import Bernoulli
from keras_vae.likelihoods.categorical import Categorical
from keras_vae.likelihoods.continuous_bernoulli import ContinuousBernoulli
from keras_vae.likelihoods.gaussian import Gaussian
from keras_vae.likelihoods.likelihood import Likelihood
from keras_vae.likelihoods.student_t import StudentT

__all__ = [
    "AutoregressiveBernoulli",
    "Bernoulli",
    "Categorical",
    "ContinuousBernoulli",
    "Gaussian",
    "Likelihood",
    "StudentT",
]
