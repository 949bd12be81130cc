"""Divergences: the KL of posterior and prior, in closed form and by Monte Carlo, and one checked by the other."""

from keras_vae.divergences.closed_form import closed_form_kl, closed_form_kl_per_dimension
from keras_vae.divergences.cross_check import CrossCheck, cross_check
from keras_vae.divergences.gaussian import gaussian_kl
from keras_vae.divergences.monte_carlo import monte_carlo_kl

__all__ = [
    "CrossCheck",
    "closed_form_kl",
    "closed_form_kl_per_dimension",
    "cross_check",
    "gaussian_kl",
    "monte_carlo_kl",
]
