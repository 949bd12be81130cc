"""Binary images from grey ones."""

import numpy as np
import tensorflow as tf

from keras_vae.core import resolve_seed


def binarize(images, seed=None):
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
    return binarize_scaled(images, 255.0 if images.dtype == np.uint8 else 1.0, seed)


def binarize_scaled(images, scale, seed=None):
    """Draw binary images once, each pixel one with probability grey value / scale.

    Parameters
    ----------
    images : numpy.ndarray
        Values in [0, scale].
    scale : float
        The value of a pixel that is certainly one.
    seed : int, optional
        Seed of NumPy's PCG64 generator.

    Returns
    -------
    numpy.ndarray
        The shape of `images`, float32, zeros and ones.
    """
    generator = np.random.default_rng(resolve_seed(seed))
    binary = np.empty(images.shape, np.float32)
    # Slice by slice: the random numbers of a whole data set would take several times its memory.
    for start in range(0, len(images), 4096):
        part = images[start : start + 4096]
        binary[start : start + 4096] = generator.random(part.shape, np.float32) * scale < part
    return binary


def binarize_batch(probabilities, seed):
    """Draw a binary batch inside a `tf.data` pipeline, as a pure function of the seed.

    Parameters
    ----------
    probabilities : tf.Tensor
        Float values in [0, 1].
    seed : tf.Tensor
        Shape (2,), int32.

    Returns
    -------
    tf.Tensor
        The shape and dtype of `probabilities`, zeros and ones.
    """
    uniform = tf.random.stateless_uniform(tf.shape(probabilities), seed, dtype=probabilities.dtype)
    return tf.cast(uniform < probabilities, probabilities.dtype)
