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

    def run(self, function, x, dtype, batch_size):
        """Apply a function to an array, batch by batch.

        Parameters
        ----------
        function : callable
            From a tensor of shape (batch, ...) to one of shape (batch, ...).
        x : numpy.ndarray
            Shape (n, ...).
        dtype : str
            What the function takes.
        batch_size : int
            Examples at a time.

        Returns
        -------
        numpy.ndarray
            Shape (n, ...).
        """
        check_integer("batch_size", batch_size, minimum=1)
        # One signature for every number of examples: a short last batch traces nothing anew.
        compiled = self.compiled(function, [tf.TensorSpec([None, *x.shape[1:]], dtype)])
        batches = [
            compiled(tf.constant(x[start : start + batch_size], dtype)).numpy()
            for start in range(0, len(x), batch_size)
        ]
        return batches[0] if len(batches) == 1 else np.concatenate(batches)
