"""Binary images from grey ones."""

import logging

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from keras_vae.core import remark, resolve_seed


def binarize(images: ArrayLike, seed: int | None = None) -> np.ndarray:
    """Draw binary images once, each pixel one with its grey value as the probability.

    Parameters
    ----------
    images : array_like
        Values in [0, 1], or uint8, which is divided by 255.
    seed : int, optional
        Seed of NumPy's PCG64 generator.

    Returns
    -------
    numpy.ndarray
        The shape of `images`, float32, zeros and ones.
    """
    images = np.asarray(images)
    return binarize_scaled(images, 255.0 if is_eight_bit(images) else 1.0, seed)


def is_eight_bit(images):
    """Return whether images are 8-bit ones, which are divided by 255; for zeros and ones that is hardly meant."""
    if images.dtype != np.uint8:
        return False
    if images.max() == 1:
        remark(
            ("eight bits",),
            logging.WARNING,
            "`images` are uint8 from 0 to 1 and are divided by 255, as 8-bit images are: pass them as floats.",
        )
    return True


def binarize_scaled(images, scale, seed=None):
    """Draw binary images once, each pixel one with probability grey value / scale."""
    generator = np.random.default_rng(resolve_seed(seed))
    binary = np.empty(images.shape, np.float32)
    # Slice by slice: the random numbers of a whole data set would take several times its memory.
    for start in range(0, len(images), 4096):
        part = images[start : start + 4096]
        binary[start : start + 4096] = generator.random(part.shape, np.float32) * scale < part
    return binary


def binarize_batch(probabilities, seed):
    """Draw a binary batch inside a `tf.data` pipeline, as a pure function of the seed."""
    uniform = tf.random.stateless_uniform(tf.shape(probabilities), seed, dtype=probabilities.dtype)
    return tf.cast(uniform < probabilities, probabilities.dtype)
