"""The network by which each place of an image sees those before it."""

import math

import keras
import numpy as np
import tensorflow as tf

_FURTHER = (2, 3)  # rows and columns of a further convolution; the last place, after the pixel, is left out


class CausalNetwork(keras.layers.Layer):
    """g(x, u): what the places before each place of x, and what z says of it, add to its logits.

    Places are pixels, or squares of pixels whose pixels are then channels, in their order. A first masked convolution
    sees a window before each place, residual ones see a row and two columns further each, and two layers for each place
    by itself end it. The last begins as 0. Kernels are matrices, those of convolutions too, for optimizers that take
    matrices as such.

    What does not depend on u is computed by `look`, once for each x, and the rest by `answer`, for each u.

    Parameters
    ----------
    shape : tuple of int
        (rows, columns, channels) of an image in places.
    pixels : int
        Pixels of a place; each also sees those before it in the place.
    window, filters, depth, features : int
        As in `AutoregressiveBernoulli`.
    **kwargs
        Passed to `keras.layers.Layer`. Residual layers compute in the policy's compute precision, all else in that of
        the variables.
    """

    def __init__(self, shape, *, pixels, window, filters, depth, features, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.shape, self.pixels = shape, pixels
        self.window, self.filters, self.depth, self.features = window, filters, depth, features
        self._channels = shape[-1]
        # Each channel of a place that holds several pixels has hidden units of its own, for it sees what others do not.
        self._own = filters if pixels == 1 else max(1, filters // 2)
        self.last_width = self._own if pixels == 1 else self._channels * self._own

    def build(self):
        """Make the weights."""
        channels, filters, width = self._channels, self.filters, self.last_width
        before = (self.window + 1) * (2 * self.window + 1) - self.window - 1  # not the place itself and those after it
        self.first = self._weight("first", (before * channels, filters))
        self.first_bias = self._weight("first_bias", (filters,), "zeros")
        self.middle = self._weight("middle", (filters, width))
        self.middle_bias = self._weight("middle_bias", (width,), "zeros")
        self.last = self._weight("last", (width, channels), "zeros")
        shape = ((math.prod(_FURTHER) - 1) * filters, filters)
        scaled = keras.initializers.VarianceScaling(0.5, mode="fan_in")  # each adds little at first
        self.further = [self._weight(f"further_{level}", shape, scaled) for level in range(self.depth)]
        self.further_biases = [
            self._weight(f"further_bias_{level}", (filters,), "zeros") for level in range(self.depth)
        ]
        if self.pixels > 1:
            self.beside = self._weight("beside", (channels, width))
            pixel = np.arange(channels) // (channels // self.pixels)
            self._mine = np.repeat(np.eye(channels), self._own, axis=0).astype(self.variable_dtype)
            self._before = np.repeat(pixel[:, None] < pixel, self._own, axis=1).astype(self.variable_dtype)
        if self.features:
            self.of_features = self._weight("features", (channels * self.features, filters))

    def look(self, x):
        """Return what each place sees of x, all that does not depend on the features: before it, and within it.

        Parameters
        ----------
        x : tf.Tensor
            Shape (batch, rows, columns, channels).

        Returns
        -------
        tuple of tf.Tensor
            Each of shape (batch, rows, columns, width).
        """
        seen = self._first(_surrounded(x, self.window))
        return (seen if self.features else self._further(seen), *self._beside(x))

    def answer(self, seen, features):
        """Return g of what `look` returned.

        Parameters
        ----------
        seen : tuple of tf.Tensor
            Which several samples' features may share: then with an axis in front.
        features : tf.Tensor or None
            Shape (..., rows, columns, channels * features).

        Returns
        -------
        tf.Tensor
            Shape (..., rows, columns, channels).
        """
        hidden, *beside = seen
        if features is None:
            return self._last(hidden, *beside)
        hidden += _linear(features, self.of_features)
        if self.depth:
            shape = tf.shape(hidden)
            hidden = tf.reshape(self._further(tf.reshape(hidden, [-1, *hidden.shape[-3:]])), shape)
        return self._last(hidden, *beside)

    def answer_at(self, x, features, row, column):
        """Return g at one place, from the patch of x that it sees.

        Parameters
        ----------
        x : tf.Tensor
            Shape (batch, rows, columns, channels).
        features : tf.Tensor or None
            Shape (batch, rows, columns, channels * features).
        row, column : tf.Tensor
            The place.

        Returns
        -------
        tf.Tensor
            Shape (batch, channels).
        """
        reach = self.window + self.depth

        def patch(values, reach):
            corner, size = [0, row, column, 0], [-1, reach + 1, 2 * reach + 1, -1]
            return tf.slice(_surrounded(values, reach), corner, size)

        hidden = self._first(patch(x, reach))
        if features is not None:
            hidden += _linear(patch(features, self.depth), self.of_features)
        inside = patch(tf.ones([1, *self.shape[:2], 1], x.dtype), self.depth)
        return self._last(self._further(hidden, inside)[:, 0, 0], *self._beside(x[:, row, column]))

    def _weight(self, name, shape, initializer="he_normal"):
        return self.add_weight(shape=shape, initializer=initializer, autocast=False, name=name)

    def _first(self, x):
        kernel = tf.pad(self.first, [[0, (self.window + 1) * self._channels], [0, 0]])
        shape = [self.window + 1, 2 * self.window + 1, self._channels, self.filters]
        if tuple(x.shape[1:3]) == tuple(shape[:2]):  # one place, while sampling: a product starts sooner
            return _linear(tf.reshape(x, [-1, 1, 1, math.prod(shape[:3])]), kernel)
        return _convolution(x, tf.reshape(kernel, shape), self.variable_dtype)

    def _further(self, hidden, inside=None):
        """Run whole images, or patches whose part in the image `inside` marks, through the residual layers."""
        precision, hidden = hidden.dtype, tf.cast(hidden, self.compute_dtype)
        for kernel, bias in zip(self.further, self.further_biases, strict=True):
            active = tf.nn.relu(tf.nn.bias_add(hidden, tf.cast(bias, hidden.dtype)))
            if inside is None:
                active = _surrounded(active, 1)
            else:
                active *= tf.cast(inside, hidden.dtype)
                hidden, inside = hidden[:, 1:, 1:-1], inside[:, 1:, 1:-1]
            kernel = tf.reshape(tf.pad(kernel, [[0, self.filters], [0, 0]]), [*_FURTHER, self.filters, self.filters])
            hidden += _convolution(active, kernel, hidden.dtype)
        return tf.cast(hidden, precision)

    def _beside(self, x):
        """Return what each channel of a place sees of those before it there; nothing where a place is one pixel."""
        return () if self.pixels == 1 else (_linear(x, self.beside * self._before),)

    def _last(self, hidden, beside=0.0):
        hidden = tf.nn.relu(tf.nn.bias_add(hidden, self.first_bias))
        hidden = tf.nn.relu(tf.nn.bias_add(_linear(hidden, self.middle), self.middle_bias) + beside)
        return _linear(hidden, self.last if self.pixels == 1 else self.last * self._mine)


def _surrounded(values, reach):
    """Pad images by zeros above and on both sides."""
    return tf.pad(values, [[0, 0], [reach, 0], [reach, reach], [0, 0]])


def _linear(values, kernel):
    """Multiply the last axis by a matrix, as one product: over more axes the gradient would be many small ones."""
    product = tf.matmul(tf.reshape(values, [-1, values.shape[-1]]), kernel)
    return tf.reshape(product, tf.concat([tf.shape(values)[:-1], kernel.shape[-1:]], axis=0))


def _convolution(x, kernel, dtype):
    """Convolve in `dtype`; what comes out has the precision that x had."""
    found = tf.nn.conv2d(tf.cast(x, dtype), tf.cast(kernel, dtype), strides=1, padding="VALID")
    return tf.cast(found, x.dtype)
