"""Priors p(z): layers that own a prior's variables, if it has any, and build its distribution."""

from keras_vae.priors.conditional_gaussian import ConditionalGaussian
from keras_vae.priors.gaussian_mixture import GaussianMixture
from keras_vae.priors.prior import Prior
from keras_vae.priors.standard_normal import StandardNormal
from keras_vae.priors.vamp_prior import VampPrior

__all__ = ["ConditionalGaussian", "GaussianMixture", "Prior", "StandardNormal", "VampPrior"]
