"""Posteriors q(z|x): layers from an encoder's features to parameters, samples and distributions."""

from keras_vae.posteriors.deterministic import Deterministic
from keras_vae.posteriors.diagonal_gaussian import DiagonalGaussian
from keras_vae.posteriors.full_covariance_gaussian import FullCovarianceGaussian
from keras_vae.posteriors.laplace import Laplace
from keras_vae.posteriors.posterior import Posterior

__all__ = ["Deterministic", "DiagonalGaussian", "FullCovarianceGaussian", "Laplace", "Posterior"]
