"""Methods of a model on arrays: run as graphs, batch by batch, in bounded memory."""

import functools

import numpy as np
import tensorflow as tf

from keras_vae.core import check_integer


class Verbs:
    """A cache of a model's graphs, one for each method and kind of input: small inputs take about a millisecond."""

    def __init__(self, model):
        self._model = model
        self.graphs = {}

    def run(self, function, *inputs, **options):
        """Run a method as a graph, the same for any number of rows: a short last batch, or one, causes no new trace.

        A model that runs eagerly has no graph, as in Keras.
        """
        if self._model.run_eagerly:
            tensors = tf.nest.map_structure(tf.convert_to_tensor, inputs)
            return tf.nest.map_structure(lambda tensor: tensor.numpy(), function(*tensors, **options))

        def spec(value):
            shape = np.shape(value)
            return tf.TensorSpec([None, *shape[1:]] if shape else [], value.dtype)

        specs = tf.nest.map_structure(spec, inputs)
        key = f"{function.__name__} {specs} {options}"
        if key not in self.graphs:
            # Keras makes its own steps without autograph too: a first call is then much sooner done.
            function = functools.partial(function, **options)
            self.graphs[key] = tf.function(function, input_signature=specs, autograph=False)
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), self.graphs[key](*inputs))

    def each_rows(self, function, rows, batch_size, *, dtype, seed=None):
        """Run a method of rows, which with a seed also takes the seed and the place of the first row."""
        check_integer("batch_size", batch_size, minimum=1)
        if len(rows[0]) == 0:
            raise ValueError(f"An array must hold at least one row. Received: shape {rows[0].shape}")
        rows = [part if part.dtype.kind in "iu" else part.astype(dtype) for part in rows]
        found = []
        for start in range(0, len(rows[0]), batch_size):
            noise = () if seed is None else (np.int32(seed), np.int32(start))
            found.append(self.run(function, *noise, *(part[start : start + batch_size] for part in rows)))
        return joined(found)


def joined(batches):
    """Join the results of batches, arrays or nests of arrays, along their rows."""
    return batches[0] if len(batches) == 1 else tf.nest.map_structure(lambda *parts: np.concatenate(parts), *batches)
