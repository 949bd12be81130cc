"""Objectives: what is minimised, as a function of an inference's record."""

from keras_vae.objectives.elbo import ELBO
from keras_vae.objectives.iwelbo import IWELBO
from keras_vae.objectives.normalized_beta import beta_from_normalized, normalized_beta
from keras_vae.objectives.objective import Objective
from keras_vae.objectives.reconstruction import Reconstruction
from keras_vae.objectives.semi_supervised import SemiSupervised
from keras_vae.objectives.terms import Terms, direction_of

__all__ = [
    "ELBO",
    "IWELBO",
    "Objective",
    "Reconstruction",
    "SemiSupervised",
    "Terms",
    "beta_from_normalized",
    "direction_of",
    "normalized_beta",
]
