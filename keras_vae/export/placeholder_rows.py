"""Requests without content: rows that every model takes."""

import numpy as np
import tensorflow as tf


def blank_rows(spec, vae, size):
    """Make rows of an input: the lowest observations that the likelihood allows, black images, zeros.

    Parameters
    ----------
    spec : tf.TensorSpec
        The input.
    vae : keras_vae.models.LatentVariableModel
        The model.
    size : int
        How many rows.

    Returns
    -------
    numpy.ndarray
        Shape (size, *spec.shape[1:]).
    """
    if spec.dtype == tf.string:
        black = tf.io.encode_png(tf.zeros(vae.event_shape, tf.uint8)).numpy()
        return np.full([size], black, object)
    lowest = vae.spec.blank(size).fields.get(spec.name)
    return (
        np.zeros([size, *spec.shape[1:]], spec.dtype.as_numpy_dtype)
        if lowest is None
        else lowest.astype(spec.dtype.as_numpy_dtype)
    )


def never_empty(endpoint, vae):
    """Make of a signature's function one that answers no rows with no rows.

    TensorFlow's convolutions on a CPU give an empty batch the wrong shape, so a blank row is computed in its place.

    Parameters
    ----------
    endpoint : Endpoint
        The signature.
    vae : keras_vae.models.LatentVariableModel
        The model.

    Returns
    -------
    callable
    """
    blanks = [tf.constant(blank_rows(spec, vae, 1)) for spec in endpoint.inputs]

    def function(*inputs):
        size = tf.shape(inputs[0])[0]
        filled = [
            tf.concat([value, blank[: tf.cast(tf.shape(value)[0] == 0, tf.int32)]], axis=0)
            for value, blank in zip(inputs, blanks, strict=True)
        ]
        return {name: value[:size] for name, value in endpoint.function(*filled).items()}

    return function
