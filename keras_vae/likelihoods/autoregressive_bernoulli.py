"""The Bernoulli likelihood whose pixels also see those above and to the left of them."""

import math

import keras
import numpy as np
import tensorflow as tf

from keras_vae.core import check_integer, register
from keras_vae.likelihoods.causal_bernoulli import CausalBernoulli, to_pixels, to_places
from keras_vae.likelihoods.likelihood import Likelihood

_FURTHER = (2, 3)  # rows and columns of a further convolution; the last place, after the pixel, is left out


@register
class AutoregressiveBernoulli(Likelihood):
    """log p(x|z) = sum_d log Bernoulli(x_d; f_d(z) + g(x in the window before d, u_d(z))), by the chain rule.

    The decoder gives f, as for `Bernoulli`. The small network g, one for all pixels, sees `window` rows above a pixel
    and `window` columns to both sides of it, as far as they come before it in raster order; so what is near, texture
    and edges, is explained by x itself, and z is left with what is far apart (Gulrajani et al. 2017, "PixelVAE"; Chen
    et al. 2017, "Variational lossy autoencoder", section 3.2). It begins as 0.

    With `depth`, that many residual layers follow on the first, each of which sees a row and two columns further:
    masked convolutions, as in a PixelCNN (van den Oord et al. 2016). They are what is dear here, and the only part that
    a mixed `dtype` policy takes in half precision.

    With `features` the decoder also gives that many numbers u for each element, which say to g, after its first layer,
    what z knows of the place, so that what it makes of the pixels before depends on z. Without them g does not depend
    on z and is computed once for each image, however many samples of z there are.

    With `block` above 1 the squares of so many pixels a side are the places of g: they come in raster order, and within
    a square its pixels do, each of which sees those before it there as well. The convolutions then have a quarter of
    the places (with 2) and reach twice as far, and layers of twice the `filters` cost what they cost without.

    The channels of one pixel are independent given z and the pixels before. There is no closed form for E[x|z]:
    `decode` gives the pass in which each pixel sees the probabilities of those before it. That, and a sample, take one
    step for each pixel.

    Parameters
    ----------
    event_shape : tuple of int
        (height, width, channels).
    window : int
        Rows above and columns to each side, at least 1; of pixels, or of squares where `block` makes some.
    filters : int
        Width of the hidden layers of g.
    depth : int
        Residual layers of convolutions after the first; 0 for none.
    features : int
        Numbers that the decoder gives to g for each element; 0 for a g that does not depend on z.
    block : int
        The side of the squares, which height and width must be a multiple of; 1 for none.
    **kwargs
        Passed to `Likelihood` (`projection`, `kernel_initializer`) and `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range, or the decoder's output does not fit.
    """

    support = (0.0, 1.0)
    is_discrete = True

    def __init__(self, event_shape, *, window=7, filters=32, depth=0, features=0, block=1, **kwargs):
        super().__init__(event_shape, **kwargs)
        if len(self.event_shape) != 3:
            raise ValueError(
                "`event_shape` must be (height, width, channels) for an `AutoregressiveBernoulli`. "
                f"Received: event_shape={self.event_shape}"
            )
        self.window = check_integer("window", window, minimum=1)
        self.filters = check_integer("filters", filters, minimum=1)
        self.depth = check_integer("depth", depth, minimum=0)
        self.features = check_integer("features", features, minimum=0)
        self.block = check_integer("block", block, minimum=1)
        height, width, channels = self.event_shape
        if height % self.block or width % self.block:
            raise ValueError(
                f"`block` must divide the image's height and width, {height} and {width}. Received: block={block!r}"
            )
        self._places = (height // self.block, width // self.block, channels * self.block**2)

    @property
    def numbers_per_element(self):
        """The logit, and the features."""
        return 1 + self.features

    @property
    def working_numbers(self):
        """Those of the projection, or of g's hidden layers where there is one for each sample."""
        hidden = math.prod(self._places[:2]) * max(self.filters, self._answers[0])
        return max(super().working_numbers, hidden if self.features else 0)

    @property
    def _answers(self):
        """The width of the layer before the last, and how much of it is one channel's own."""
        if self.block == 1:
            return self.filters, self.filters
        own = max(1, self.filters // 2)
        return self._places[-1] * own, own

    def build(self, input_shape):
        """Build the projection, and the network g."""
        super().build(input_shape)
        channels, neighbours = self._places[-1], (self.window + 1) * (2 * self.window + 1)
        answers, own = self._answers
        shapes = [  # matrices, also those of convolutions, for optimizers that take matrices as such
            ((neighbours - self.window - 1) * channels, self.filters),  # none for the place itself and those after it
            (self.filters, answers),
            (answers, channels),
        ]
        self.kernels = [
            self.add_weight(
                shape=shape, initializer=initializer, dtype=self.variable_dtype, autocast=False, name=f"context_{level}"
            )
            for level, (shape, initializer) in enumerate(zip(shapes, ["he_normal", "he_normal", "zeros"], strict=True))
        ]
        self.biases = [
            self.add_weight(shape=(width,), initializer="zeros", autocast=False, name=f"context_bias_{level}")
            for level, width in enumerate([self.filters, answers])
        ]
        shape = ((_FURTHER[0] * _FURTHER[1] - 1) * self.filters, self.filters)
        scaled = keras.initializers.VarianceScaling(0.5, mode="fan_in")  # each adds little at first
        self.further_kernels = [
            self.add_weight(shape=shape, initializer=scaled, dtype=self.variable_dtype, autocast=False, name=name)
            for name in (f"further_{level}" for level in range(self.depth))
        ]
        self.further_biases = [
            self.add_weight(shape=(self.filters,), initializer="zeros", autocast=False, name=f"further_bias_{level}")
            for level in range(self.depth)
        ]
        if self.block > 1:
            self.beside_kernel = self.add_weight(
                shape=(channels, answers),
                initializer="he_normal",
                dtype=self.variable_dtype,
                autocast=False,
                name="context_beside",
            )
            pixel = np.arange(channels) // self.event_shape[-1]
            self._mine = np.repeat(np.eye(channels), own, axis=0).astype(self.variable_dtype)
            self._before = np.repeat(pixel[:, None] < pixel, own, axis=1).astype(self.variable_dtype)
        if self.features:
            self.features_kernel = self.add_weight(
                shape=(channels * self.features, self.filters),
                initializer="he_normal",
                dtype=self.variable_dtype,
                autocast=False,
                name="context_features",
            )

    def split(self, projected):
        """Name the projection's output.

        Parameters
        ----------
        projected : tf.Tensor
            Shape (batch, *event_shape, 1 + features).

        Returns
        -------
        dict of tf.Tensor
            `logits`, of shape (batch, *event_shape): what comes from z alone; and `features`, if there are any, of
            shape (batch, height, width, channels * features).
        """
        if not self.features:
            return {"logits": projected[..., 0]}
        height, width, channels = self.event_shape
        logits, features = tf.split(projected, [1, self.features], axis=-1)  # whose gradient is one copy, a slice's two
        return {
            "logits": logits[..., 0],
            "features": tf.reshape(features, [-1, height, width, channels * self.features]),
        }

    def distribution(self, parameters):
        """Build the distribution of images by the chain rule."""
        return CausalBernoulli(
            parameters["logits"],
            self._look,
            self._answer,
            self._answer_at,
            features=parameters.get("features"),
            block=self.block,
        )

    def mean(self, parameters):
        """Return the probabilities that a pass from the first pixel to the last gives to each."""
        return self.distribution(parameters).mean()

    def context(self, x, features=None):
        """Return g(x, u): what the pixels before each pixel add to its logits.

        Parameters
        ----------
        x : tf.Tensor
            Shape (batch, height, width, channels).
        features : tf.Tensor, optional
            Shape (batch, height, width, channels * features): what `split` calls so, if there are any.

        Returns
        -------
        tf.Tensor
            Shape (batch, height, width, channels).

        Raises
        ------
        ValueError
            If features are missing, or given where there are none.
        """
        if bool(self.features) != (features is not None):
            wanted = "must be given" if self.features else "must not be given"
            raise ValueError(
                f"`features` {wanted} for `AutoregressiveBernoulli(features={self.features})`. "
                f"Received: {'None' if features is None else f'a tensor of shape {tuple(features.shape)}'}"
            )
        places = None if features is None else to_places(features, self.block)
        return to_pixels(self._answer(self._look(to_places(x, self.block)), places), self.block)

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        names = ("window", "filters", "depth", "features", "block")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _look(self, x):
        """Return what each place sees of x, all that does not depend on the features: before it, and within it."""
        seen = self._first(_surrounded(x, self.window))
        return (seen if self.features else self._further(seen), *self._beside(x))

    def _answer(self, seen, features):
        """Return g of what `_look` returned; several samples' features may share it."""
        hidden, *beside = seen
        if features is None:
            return self._last(hidden, *beside)
        hidden += _linear(features, self.features_kernel)
        if self.depth:
            shape = tf.shape(hidden)
            hidden = tf.reshape(self._further(tf.reshape(hidden, [-1, *hidden.shape[-3:]])), shape)
        return self._last(hidden, *beside)

    def _answer_at(self, x, features, row, column):
        """Return g at one place, from the patch of x that it sees."""
        reach = self.window + self.depth

        def patch(values, reach):
            corner, size = [0, row, column, 0], [-1, reach + 1, 2 * reach + 1, -1]
            return tf.slice(_surrounded(values, reach), corner, size)

        hidden = self._first(patch(x, reach))
        if features is not None:
            hidden += _linear(patch(features, self.depth), self.features_kernel)
        inside = patch(tf.ones([1, *self._places[:2], 1], x.dtype), self.depth)
        return self._last(self._further(hidden, inside)[:, 0, 0], *self._beside(x[:, row, column]))

    def _first(self, x):
        kernel = tf.pad(self.kernels[0], [[0, (self.window + 1) * self._places[-1]], [0, 0]])
        shape = [self.window + 1, 2 * self.window + 1, self._places[-1], self.filters]
        if tuple(x.shape[1:3]) == tuple(shape[:2]):  # one place, while sampling: a product starts sooner
            return _linear(tf.reshape(x, [-1, 1, 1, math.prod(shape[:3])]), kernel)
        return _convolution(x, tf.reshape(kernel, shape), self.variable_dtype)

    def _further(self, hidden, inside=None):
        """Take whole images, or patches of which `inside` says what is in the image, through the residual layers."""
        precision, hidden = hidden.dtype, tf.cast(hidden, self.compute_dtype)
        for kernel, bias in zip(self.further_kernels, self.further_biases, strict=True):
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
        return () if self.block == 1 else (_linear(x, self.beside_kernel * self._before),)

    def _last(self, hidden, beside=0.0):
        hidden = tf.nn.relu(tf.nn.bias_add(hidden, self.biases[0]))
        hidden = tf.nn.relu(tf.nn.bias_add(_linear(hidden, self.kernels[1]), self.biases[1]) + beside)
        return _linear(hidden, self.kernels[2] if self.block == 1 else self.kernels[2] * self._mine)


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
