"""Requests without content: rows that every model takes."""

import numpy as np
import tensorflow as tf


def blank_rows(spec, likelihood, size):
    """Make rows of an input: the lowest observations that the likelihood allows, black images, zeros.

    Parameters
    ----------
    spec : tf.TensorSpec
        The input.
    likelihood : keras_vae.likelihoods.Likelihood
        The model's.
    size : int
        How many rows.

    Returns
    -------
    numpy.ndarray
        Shape (size, *spec.shape[1:]).
    """
    if spec.dtype == tf.string:
        black = tf.io.encode_png(tf.zeros(likelihood.event_shape, tf.uint8)).numpy()
        return np.full([size], black, object)
    lowest = likelihood.support[0] if spec.name == "x" and likelihood.support is not None else 0
    return np.full([size, *spec.shape[1:]], lowest, spec.dtype.as_numpy_dtype)


def never_empty(endpoint, likelihood):
    """Make of a signature's function one that answers no rows with no rows.

    TensorFlow's convolutions on a CPU give an empty batch the wrong shape, so a blank row is computed in its place.

    Parameters
    ----------
    endpoint : Endpoint
        The signature.
    likelihood : keras_vae.likelihoods.Likelihood
        The model's.

    Returns
    -------
    callable
    """
    blanks = [tf.constant(blank_rows(spec, likelihood, 1)) for spec in endpoint.inputs]

    def function(*inputs):
        size = tf.shape(inputs[0])[0]
        filled = [
            tf.concat([value, blank[: tf.cast(tf.shape(value)[0] == 0, tf.int32)]], axis=0)
            for value, blank in zip(inputs, blanks, strict=True)
        ]
        return {name: value[:size] for name, value in endpoint.function(*filled).items()}

    return function
