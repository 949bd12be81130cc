"""Standard normal noise from stateless seeds: one seed for a whole tensor, or one for each row."""

import math

import tensorflow as tf

# SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators", figure 14).
_GAMMA = 0x9E3779B97F4A7C15
_MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_SHIFTS = (30, 27, 31)


def standard_normal(shape, seed, dtype):
    """Draw eps ~ N(0, I), a pure function of the seed.

    Parameters
    ----------
    shape : tf.Tensor
        Shape of the noise; (..., batch, size) where each row has a seed.
    seed : tf.Tensor
        Shape (2,): a stateless seed, from which XLA draws other numbers than TensorFlow. Or (batch, 2): a seed for each
        row. The row's noise depends on nothing else, neither on the batch around it nor on the compiler.
    dtype : tf.DType
        Of the noise.

    Returns
    -------
    tf.Tensor
    """
    if seed.shape.rank == 1:
        return tf.random.stateless_normal(shape, seed, dtype=dtype)
    shape = tf.convert_to_tensor(shape)
    leading, rows, size = tf.split(shape, [tf.shape(shape)[0] - 2, 1, 1])
    counts = tf.range(tf.reduce_prod(leading) * size[0])
    counts = tf.reshape(counts, tf.concat([leading, [1], size], axis=0))
    eps = tf.cast(tf.math.ndtri(uniform_rows(seed, counts)), dtype)
    # A seed too few would be shared by all rows when the noise is added to their means.
    return tf.reshape(eps, tf.concat([leading, rows, size], axis=0))


def uniform_rows(seed, counts):
    """Draw numbers between 0 and 1, excluding both, for each row from its own seed.

    Parameters
    ----------
    seed : tf.Tensor
        Shape (batch, 2), int32.
    counts : tf.Tensor
        Shape (..., 1, size), integer: which numbers of each row's stream.

    Returns
    -------
    tf.Tensor
        Shape (..., batch, size), float64.
    """
    # 52 bits and a half are exact in float64, so that 1 is out of reach.
    return (tf.cast(tf.bitwise.right_shift(_bits(seed, counts), _word(12)), tf.float64) + 0.5) * math.ldexp(1.0, -52)


def fold_in_rows(seed, value):
    """Derive a new seed for each row from its seed and an integer.

    Parameters
    ----------
    seed : tf.Tensor
        Shape (batch, 2), int32.
    value : int or tf.Tensor
        What the new seeds depend on, of shape () or (batch,).

    Returns
    -------
    tf.Tensor
        Shape (batch, 2), int32.
    """
    # Numbers are drawn from the start of a seed's stream, which a negative count stays away from.
    counts = -1 - tf.cast(tf.reshape(value, [-1, 1]), tf.int64)
    return tf.bitcast(_bits(seed, counts)[:, 0], tf.int32)


def _bits(seed, counts):
    """Return number `counts` of each row's stream: shape (..., batch, size), uint64."""
    start = _mixed(tf.bitcast(seed, tf.uint64) + _word(_GAMMA))
    return _mixed(start[:, None] + tf.cast(counts + 1, tf.uint64) * _word(_GAMMA))


def _mixed(word):
    for shift, multiplier in zip(_SHIFTS, (*_MULTIPLIERS, None), strict=True):
        word = tf.bitwise.bitwise_xor(word, tf.bitwise.right_shift(word, _word(shift)))
        word = word if multiplier is None else word * _word(multiplier)
    return word


def _word(value):
    return tf.constant(value, tf.uint64)
