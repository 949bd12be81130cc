"""Floor 1: data sets by name, batches from arrays, binarization, and checks of values."""

from keras_vae.data.binarization import binarize
from keras_vae.data.checks import assert_values, check_array, check_spec
from keras_vae.data.data_not_found_error import DataNotFoundError
from keras_vae.data.image_set import ImageSet
from keras_vae.data.load import load
from keras_vae.data.pipeline import pipeline

__all__ = [
    "DataNotFoundError",
    "ImageSet",
    "assert_values",
    "binarize",
    "check_array",
    "check_spec",
    "load",
    "pipeline",
]
