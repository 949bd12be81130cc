"""Floor 5: what a trained model is worth: its evidence, what its latents carry, rate against distortion."""

from keras_vae.evaluation.ais_sandwich import Sandwich, ais_sandwich
from keras_vae.evaluation.class_posterior import class_posterior, expected_calibration_error
from keras_vae.evaluation.evaluate_vae import Evaluation, evaluate_vae
from keras_vae.evaluation.log_evidence import log_evidence
from keras_vae.evaluation.rate_distortion import RateDistortionPoint, rate_distortion

__all__ = [
    "Evaluation",
    "RateDistortionPoint",
    "Sandwich",
    "ais_sandwich",
    "class_posterior",
    "evaluate_vae",
    "expected_calibration_error",
    "log_evidence",
    "rate_distortion",
]
