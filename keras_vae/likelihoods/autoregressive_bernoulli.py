"""The Bernoulli likelihood whose pixels also see those above and to the left of them."""

import tensorflow as tf

from keras_vae.core import check_integer, register
from keras_vae.likelihoods.causal_bernoulli import CausalBernoulli
from keras_vae.likelihoods.likelihood import Likelihood


@register
class AutoregressiveBernoulli(Likelihood):
    """log p(x|z) = sum_d log Bernoulli(x_d; f_d(z) + g(x in the window before d, u_d(z))), by the chain rule.

    The decoder gives f, as for `Bernoulli`. The small network g, one for all pixels, sees `window` rows above a pixel
    and `window` columns to both sides of it, as far as they come before it in raster order; so what is near, texture
    and edges, is explained by x itself, and z is left with what is far apart (Gulrajani et al. 2017, "PixelVAE"; Chen
    et al. 2017, "Variational lossy autoencoder", section 3.2). It begins as 0.

    With `features` the decoder also gives that many numbers u for each element, which say to g what z knows of the
    place, so that what it makes of the pixels before depends on z. Without them g does not depend on z and is computed
    once for each image, however many samples of z there are.

    The channels of one pixel are independent given z and the pixels before. There is no closed form for E[x|z]:
    `decode` gives the pass in which each pixel sees the probabilities of those before it. That, and a sample, take one
    step for each pixel.

    Parameters
    ----------
    event_shape : tuple of int
        (height, width, channels).
    window : int
        Rows above and columns to each side, at least 1.
    filters : int
        Width of the two hidden layers of g.
    features : int
        Numbers that the decoder gives to g for each element; 0 for a g that does not depend on z.
    **kwargs
        Passed to `Likelihood` (`projection`, `kernel_initializer`) and `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range, or the decoder's output does not fit.
    """

    support = (0.0, 1.0)
    is_discrete = True

    def __init__(self, event_shape, *, window=7, filters=32, features=0, **kwargs):
        super().__init__(event_shape, **kwargs)
        if len(self.event_shape) != 3:
            raise ValueError(
                "`event_shape` must be (height, width, channels) for an `AutoregressiveBernoulli`. "
                f"Received: event_shape={self.event_shape}"
            )
        self.window = check_integer("window", window, minimum=1)
        self.filters = check_integer("filters", filters, minimum=1)
        self.features = check_integer("features", features, minimum=0)

    @property
    def numbers_per_element(self):
        """The logit, and the features."""
        return 1 + self.features

    @property
    def working_numbers(self):
        """Those of the projection, or of g's hidden layers where there is one for each sample."""
        hidden = self.event_size // self.event_shape[-1] * self.filters
        return max(super().working_numbers, hidden if self.features else 0)

    def build(self, input_shape):
        """Build the projection, and the network g."""
        super().build(input_shape)
        channels, neighbours = self.event_shape[-1], self._window_shape[0] * self._window_shape[1]
        shapes = [
            (neighbours - self.window - 1, channels, self.filters),  # the pixel itself and those after it are left out
            (self.filters, self.filters),
            (self.filters, channels),
        ]
        self.kernels = [
            self.add_weight(
                shape=shape, initializer=initializer, dtype=self.variable_dtype, autocast=False, name=f"context_{level}"
            )
            for level, (shape, initializer) in enumerate(zip(shapes, ["he_normal", "he_normal", "zeros"], strict=True))
        ]
        self.biases = [
            self.add_weight(shape=(self.filters,), initializer="zeros", autocast=False, name=f"context_bias_{level}")
            for level in range(2)
        ]
        if self.features:
            self.features_kernel = self.add_weight(
                shape=(channels * self.features, self.filters),
                initializer="he_normal",
                dtype=self.variable_dtype,
                autocast=False,
                name="context_features",
            )

    @property
    def _window_shape(self):
        return self.window + 1, 2 * self.window + 1

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
        parameters = {"logits": projected[..., 0]}
        if self.features:
            height, width, channels = self.event_shape
            parameters["features"] = tf.reshape(projected[..., 1:], [-1, height, width, channels * self.features])
        return parameters

    def distribution(self, parameters):
        """Build the distribution of images by the chain rule."""
        return CausalBernoulli(
            parameters["logits"], self._look, self._look_at, self._answer, parameters.get("features")
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
        return self._answer(self._look(x), features)

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "window": self.window, "filters": self.filters, "features": self.features}

    def _look(self, x):
        return tf.nn.conv2d(self._padded(x), self._masked_kernel(), strides=1, padding="VALID")

    def _look_at(self, x, row, column):
        rows, columns = self._window_shape
        patch = tf.slice(self._padded(x), [0, row, column, 0], [-1, rows, columns, -1])
        return tf.tensordot(patch, self._masked_kernel(), [[1, 2, 3], [0, 1, 2]])

    def _answer(self, seen, features):
        if features is not None:
            seen = seen + tf.matmul(features, self.features_kernel)
        hidden = tf.nn.relu(seen + self.biases[0])
        hidden = tf.nn.relu(tf.matmul(hidden, self.kernels[1]) + self.biases[1])
        return tf.matmul(hidden, self.kernels[2])

    def _padded(self, x):
        return tf.pad(x, [[0, 0], [self.window, 0], [self.window, self.window], [0, 0]])

    def _masked_kernel(self):
        kernel = tf.pad(self.kernels[0], [[0, self.window + 1], [0, 0], [0, 0]])
        return tf.reshape(kernel, [*self._window_shape, self.event_shape[-1], self.filters])
