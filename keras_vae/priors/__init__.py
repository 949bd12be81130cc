"""Priors p(z): layers that own a prior's variables, if it has any, and build its distribution."""

from keras_vae.priors.prior import Prior
from keras_vae.priors.standard_normal import StandardNormal

__all__ = ["Prior", "StandardNormal"]
