"""Bounds on a network's output from which training can return."""

import tensorflow as tf


def bounded(x, low, high):
    """Clip x, but let a gradient through that leads back into the range.

    `y = min(max(x, low), high)`. Within the range the gradient is that of y. Outside of it a plain clip has no
    gradient, so a value that got there stays there. Here the gradient passes where a step against it moves x towards
    the range, and is zero where it would move x further away (projected gradient descent).

    Parameters
    ----------
    x : tf.Tensor
        Of any shape.
    low, high : float
        The range; infinite for none.

    Returns
    -------
    tf.Tensor
        Of the same shape, within the range.
    """

    @tf.custom_gradient
    def clip(x):
        def gradient(upstream):
            is_further = tf.logical_or(
                tf.logical_and(x > high, upstream < 0),
                tf.logical_and(x < low, upstream > 0),
            )
            return tf.where(is_further, tf.zeros_like(upstream), upstream)

        return tf.clip_by_value(x, low, high), gradient

    return clip(x)
