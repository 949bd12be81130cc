"""Weights that are numbers."""

import tensorflow as tf


def check_finite_weights(model, purpose="to be saved"):
    """Refuse a model with NaN or infinity among its weights, which an activation such as relu would hide.

    Parameters
    ----------
    model : keras.Model
        The model, which is built.
    purpose : str
        What for, as the end of "must be finite …".

    Raises
    ------
    FloatingPointError
        If a weight is NaN or infinite; the message names it.
    """
    for variable in model.weights:
        value = tf.convert_to_tensor(variable)
        if value.dtype.is_floating and not tf.reduce_all(tf.math.is_finite(value)):
            raise FloatingPointError(
                f"The weights must be finite {purpose}: go back to the last checkpoint. "
                f"Received: NaN or infinity in {variable.path}"
            )
