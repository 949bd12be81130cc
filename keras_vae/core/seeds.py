"""Stateless seeds and the streams of noise: a random number is a pure function of what is folded into its seed."""

import enum
import random

import tensorflow as tf

from keras_vae.core.noise import fold_in_rows
from keras_vae.core.validation import check_integer


class Stream(enum.IntEnum):
    """The streams of noise of one seed. The stream is folded into the seed first, so that no two share numbers."""

    TRAINING = 0
    EVALUATION = 1
    CALIBRATION = 2
    GENERATION = 3
    ORDER = 4
    BINARIZATION = 5
    BOUND = 6
    AGGREGATE = 7
    IMPORTANCE = 8
    PRIOR = 9
    PILOT = 10
    UP = 11
    DOWN = 12
    SIMULATION = 13
    CROSS_CHECK = 14
    EVENTS = 15
    SCORE = 16
    IMPUTATION = 17
    RESAMPLING = 18
    IMPUTED_EVENTS = 19


def resolve_seed(seed: int | None) -> int:
    """Return the seed given, or a fresh one where none is given.

    A fresh seed is drawn from Python's generator, so `keras.utils.set_random_seed` governs it.

    Parameters
    ----------
    seed : int or None
        A non-negative integer below 2**31, or None.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If `seed` is neither None nor such an integer.
    """
    if seed is None:
        return random.randint(1, 2**31 - 1)
    seed = check_integer("seed", seed, minimum=0)
    if seed >= 2**31:
        raise ValueError(f"`seed` must be < 2**31. Received: seed={seed!r}")
    return seed


def as_seed(seed):
    """Turn an integer or a pair of integers into a stateless seed.

    Parameters
    ----------
    seed : int, or tensor of shape (2,) or (batch, 2)
        Keras's seed generators hand out int64 pairs; TFP wants int32. With a batch axis it is a seed for each row.

    Returns
    -------
    tf.Tensor
        Shape (2,) or (batch, 2), int32.
    """
    seed = tf.convert_to_tensor(seed)
    if seed.shape.rank == 0:
        seed = tf.stack([seed, tf.zeros_like(seed)])
    return tf.cast(seed, tf.int32)


def fold_in(seed, *data):
    """Derive a new stateless seed from a seed and any integers, in order.

    Parameters
    ----------
    seed : int, or tensor of shape (2,) or (batch, 2)
        The seed to start from, or one for each row.
    *data : int, Stream or scalar integer tensor
        What the new seed depends on: a `Stream` first where `seed` is a user's, then epoch, step, replica, ….

    Returns
    -------
    tf.Tensor
        Shape (2,) or (batch, 2), int32.
    """
    seed = as_seed(seed)
    fold = tf.random.experimental.stateless_fold_in if seed.shape.rank == 1 else fold_in_rows
    for value in data:
        seed = fold(seed, tf.cast(value, tf.int32))
    return seed
