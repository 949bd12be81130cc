"""PNG and JPEG bytes as observations, inside the graph."""

import tensorflow as tf


def takes_images(likelihood):
    """Tell whether observations are images that PNG and JPEG files can hold: grey or with three colours.

    Parameters
    ----------
    likelihood : keras_vae.likelihoods.Likelihood
        Whose events they are.

    Returns
    -------
    bool
    """
    return len(likelihood.event_shape) == 3 and likelihood.event_shape[-1] in (1, 3)


def value_range(likelihood, image_range=None):
    """Return what black and white are to a model.

    Parameters
    ----------
    likelihood : keras_vae.likelihoods.Likelihood
        Whose support it is, or the category numbers; 0 and 1 where values are not bounded.
    image_range : pair of float, optional
        Goes before all of that.

    Returns
    -------
    tuple of float
    """
    if image_range is not None:
        return image_range
    if _is_one_hot(likelihood):
        return 0.0, likelihood.x_shape[-1] - 1.0
    return (0.0, 1.0) if likelihood.support is None else likelihood.support


def decoder(likelihood, black_and_white):
    """Make the function from files to observations.

    Parameters
    ----------
    likelihood : keras_vae.likelihoods.Likelihood
        Whose events they are.
    black_and_white : pair of float
        What 0 and 255 become; values between are rounded for likelihoods of whole numbers.

    Returns
    -------
    callable
        From a string tensor of shape (batch,) to observations of shape (batch, *x_shape).
    """
    height, width, channels = likelihood.event_shape
    low, high = black_and_white
    message = f"Images must be {height} x {width} pixels. Received: height, width and channels"

    def pixels(content):
        image = tf.io.decode_image(content, channels=channels, expand_animations=False)
        size = tf.shape(image)
        is_right = tf.reduce_all(size == [height, width, channels])
        # Not `tf.ensure_shape`: TensorFlow would conclude that the size is right and drop the assertion.
        with tf.control_dependencies([tf.debugging.Assert(is_right, [message, size])]):
            return tf.identity(image)

    def decode(contents):
        images = tf.map_fn(pixels, contents, fn_output_signature=tf.TensorSpec(likelihood.event_shape, tf.uint8))
        x = low + tf.cast(images, tf.float32) * ((high - low) / 255.0)
        if not likelihood.integer_valued:
            return x
        x = tf.round(x)
        return tf.one_hot(tf.cast(x, tf.int32), likelihood.x_shape[-1]) if _is_one_hot(likelihood) else x

    return decode


def _is_one_hot(likelihood):
    return likelihood.x_shape != likelihood.event_shape
