"""Numbers that a callback reads from a model, batch by batch, without touching its training."""

import keras
import numpy as np
import tensorflow as tf

from keras_vae.core import Stream, check_instance, fold_in
from keras_vae.models import LatentVariableModel, collect


def check_model(callback):
    """Check that a callback watches a model of this package, and return the model."""
    name = f"{type(callback).__name__}.model"
    return check_instance(name, callback.model, LatentVariableModel, "a model of `keras_vae`")


class Readings:
    """Sums of a function of a model's record, compiled once, over observations that are checked here.

    The function takes an `Inference` and a stateless seed, and returns nested tensors, each summed over the batch. The
    model's weights are read in each call.
    """

    def __init__(self, model, x, function, *, batch_size):
        self.batch = collect(x, model.spec)
        self.batch_size = batch_size
        # Once outside of a graph: errors are then as they were raised.
        function(model.infer(self.batch.rows(0, 1), seed=0), fold_in(0, 1))

        @tf.function(reduce_retracing=True, autograph=False)
        def read(fields, seed):
            return function(model.infer(fields, seed=fold_in(seed, 0)), fold_in(seed, 1))

        self._read = read

    def mean(self, seed=0, epoch=0):
        """Return the sums over all observations, divided by how many there are, as nested arrays of float64.

        All noise is of the seed; the model's own stream of noise is left alone.
        """
        total = None
        for start in range(0, len(self.batch.x), self.batch_size):
            rows = self.batch.rows(start, start + self.batch_size)
            part = self._read(rows.map(tf.constant).fields, fold_in(seed, Stream.CROSS_CHECK, epoch, start))
            part = keras.tree.map_structure(lambda tensor: tensor.numpy().astype(np.float64), part)
            total = part if total is None else keras.tree.map_structure(np.add, total, part)
        return keras.tree.map_structure(lambda value: value / len(self.batch.x), total)
