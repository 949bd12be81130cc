"""Functions of arrays, compiled once and run in bounded memory."""

import numpy as np
import tensorflow as tf

from keras_vae.core import check_integer


class CompiledVerbs:
    """A cache of compiled functions from one batch to one batch; small inputs take about a millisecond."""

    def __init__(self):
        self._functions = {}

    def compiled(self, function, signature):
        """Return the compiled form of a function, the same one in each call.

        Parameters
        ----------
        function : callable
            A method of the model.
        signature : sequence of tf.TensorSpec
            What it takes.

        Returns
        -------
        callable
        """
        name = function.__name__
        if name not in self._functions:
            self._functions[name] = tf.function(function, input_signature=signature)
        return self._functions[name]

    def run(self, function, arrays, dtype, batch_size):
        """Apply a function to arrays, batch by batch.

        Parameters
        ----------
        function : callable
            From tensors of shape (batch, ...) to a tensor, or a tuple of tensors, of shape (batch, ...).
        arrays : sequence of numpy.ndarray
            The function's arguments, of shape (n, ...).
        dtype : str
            What the function takes.
        batch_size : int
            Examples at a time.

        Returns
        -------
        numpy.ndarray or tuple of numpy.ndarray
            Shape (n, ...).

        Raises
        ------
        ValueError
            If there are no rows, or `batch_size` < 1.
        """
        check_integer("batch_size", batch_size, minimum=1)
        if len(arrays[0]) == 0:
            raise ValueError(f"An array must hold at least one row. Received: shape {arrays[0].shape}")
        # One signature for every number of examples: a short last batch traces nothing anew.
        compiled = self.compiled(function, [tf.TensorSpec([None, *x.shape[1:]], dtype) for x in arrays])
        batches = []
        for start in range(0, len(arrays[0]), batch_size):
            batch = compiled(*(tf.constant(x[start : start + batch_size], dtype) for x in arrays))
            batches.append(tf.nest.map_structure(lambda tensor: tensor.numpy(), batch))
        if len(batches) == 1:
            return batches[0]
        return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *batches)
