"""Numbers that a callback reads from a model, batch by batch, without touching its training."""

import keras
import numpy as np
import tensorflow as tf

from keras_vae.core import check_instance, fold_in
from keras_vae.models import LatentVariableModel


def check_model(callback):
    """Check that a callback watches a model of this package.

    Parameters
    ----------
    callback : keras.callbacks.Callback
        Whose model it is.

    Returns
    -------
    keras_vae.models.LatentVariableModel

    Raises
    ------
    TypeError
        If it is none.
    """
    name = f"{type(callback).__name__}.model"
    return check_instance(name, callback.model, LatentVariableModel, "a model of `keras_vae`")


class Readings:
    """A function of a model's record, compiled once and averaged over observations.

    Parameters
    ----------
    model : keras_vae.models.LatentVariableModel
        The model; its weights are read anew in each call.
    x : array_like
        Shape (n, *x_shape): observations, checked against the likelihood here.
    function : callable
        From an `Inference` and a stateless seed to nested tensors, each summed over the batch.
    batch_size : int
        Observations at a time.

    Raises
    ------
    ValueError
        If x is empty, not finite, of the wrong shape or outside of the likelihood's support.
    """

    def __init__(self, model, x, function, *, batch_size):
        model.encode(x)  # the model checks them better than we could
        self.x = np.asarray(x, model.variable_dtype)
        self.batch_size = batch_size
        # Once outside of a graph: errors are then as they were raised.
        function(model.infer(self.x[:1], seed=0), fold_in(0, 1))
        signature = [tf.TensorSpec([None, *self.x.shape[1:]], self.x.dtype), tf.TensorSpec([2], tf.int32)]

        @tf.function(input_signature=signature)
        def read(x, seed):
            return function(model.infer(x, seed=fold_in(seed, 0)), fold_in(seed, 1))

        self._read = read

    def mean(self, seed):
        """Return the sums over all observations, divided by how many there are.

        Parameters
        ----------
        seed : int or tf.Tensor of shape (2,)
            Of all noise. The model's own stream of noise is left alone.

        Returns
        -------
        nested numpy.ndarray
            What the function returns, in float64.
        """
        total = None
        for start in range(0, len(self.x), self.batch_size):
            part = self._read(tf.constant(self.x[start : start + self.batch_size]), fold_in(seed, start))
            part = keras.tree.map_structure(lambda tensor: tensor.numpy().astype(np.float64), part)
            total = part if total is None else keras.tree.map_structure(np.add, total, part)
        return keras.tree.map_structure(lambda value: value / len(self.x), total)
