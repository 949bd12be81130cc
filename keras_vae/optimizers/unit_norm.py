"""Gradients of unit norm."""

import tensorflow as tf


def unit_norm(gradient, epsilon):
    """Scale a tensor's gradient to unit norm: g / (||g||_2 + epsilon).

    Parameters
    ----------
    gradient : tf.Tensor or tf.IndexedSlices
        Of any shape.
    epsilon : float
        What is added to the norm.

    Returns
    -------
    tf.Tensor
        In float32, or in float64 as it was: half precision would overflow.
    """
    gradient = tf.convert_to_tensor(gradient)
    gradient = tf.cast(gradient, tf.float64 if gradient.dtype == tf.float64 else tf.float32)
    return gradient / (tf.norm(gradient) + epsilon)
