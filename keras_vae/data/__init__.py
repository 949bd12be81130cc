"""Floor 1: data sets by name, batches from arrays and from folders of images, binarization, and checks of values."""

from keras_vae.data import cartoon_faces
from keras_vae.data.binarization import binarize
from keras_vae.data.epochs import batches_of_rows
from keras_vae.data.finding import DataNotFoundError
from keras_vae.data.image_files import BrokenImageError, read_images
from keras_vae.data.image_folder import image_folder
from keras_vae.data.image_set import ImageSet
from keras_vae.data.load import load
from keras_vae.data.pipeline import pipeline
from keras_vae.data.read_factors import read_factors
from keras_vae.data.read_labels import read_labels

__all__ = [
    "BrokenImageError",
    "DataNotFoundError",
    "ImageSet",
    "batches_of_rows",
    "binarize",
    "cartoon_faces",
    "image_folder",
    "load",
    "pipeline",
    "read_factors",
    "read_images",
    "read_labels",
]
