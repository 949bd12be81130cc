"""The Bernoulli likelihood whose pixels also see those above and to the left of them."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import check_integer, register
from keras_vae.likelihoods.causal_bernoulli import CausalBernoulli, to_pixels, to_places
from keras_vae.likelihoods.causal_network import CausalNetwork
from keras_vae.likelihoods.likelihood import Likelihood


@register
class AutoregressiveBernoulli(Likelihood):
    """log p(x|z) = sum_d log Bernoulli(x_d; f_d(z) + g(x in the window before d, u_d(z))), by the chain rule.

    The decoder gives f, as for `Bernoulli`. The small network g, one for all pixels, sees `window` rows above a pixel
    and `window` columns to both sides of it, as far as they come before it in raster order; so x itself explains
    texture and edges, and z carries what is far apart (Gulrajani et al. 2017, "PixelVAE"; Chen et al. 2017,
    "Variational lossy autoencoder", section 3.2). It begins as 0.

    With `depth`, that many residual layers follow the first. Each sees a row and two columns further: masked
    convolutions, as in a PixelCNN (van den Oord et al. 2016). They take most of the time, and are the only part that a
    mixed `dtype` policy computes in half precision.

    With `features` the decoder also gives that many numbers u for each element. They enter g after its first layer and
    carry what z knows about the place, so that g depends on z. Without them g does not depend on z and is computed once
    for each image, however many samples of z there are.

    With `block` above 1 the places of g are squares with that many pixels a side. Squares come in raster order, and so
    do the pixels within a square, where each also sees those before it. The convolutions then have a quarter of the
    places (with 2) and reach twice as far, and layers of twice the `filters` cost what they cost without.

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
    takes_logits = True

    def __init__(
        self,
        event_shape: Sequence[int],
        *,
        window: int = 7,
        filters: int = 32,
        depth: int = 0,
        features: int = 0,
        block: int = 1,
        **kwargs: Any,
    ):
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
        self.network = CausalNetwork(
            (height // self.block, width // self.block, channels * self.block**2),
            pixels=self.block**2,
            window=self.window,
            filters=self.filters,
            depth=self.depth,
            features=self.features,
            dtype=self.dtype_policy,
            name="context",
        )

    @property
    def numbers_per_element(self) -> int:
        """The logit, and the features."""
        return 1 + self.features

    @property
    def working_numbers(self) -> int:
        """Those of the projection, or of g's hidden layers where there is one for each sample."""
        rows, columns, _ = self.network.shape
        hidden = rows * columns * max(self.filters, self.network.last_width)
        return max(super().working_numbers, hidden if self.features else 0)

    def build(self, input_shape: Sequence[Any]) -> None:
        """Build the projection, and the network g."""
        super().build(input_shape)
        self.network.build()

    def split(self, projected: tf.Tensor) -> dict[str, tf.Tensor]:
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

    def distribution(self, parameters: dict[str, tf.Tensor]) -> tfp.distributions.Distribution:
        """Build the distribution of images by the chain rule."""
        features = parameters.get("features")
        return CausalBernoulli(parameters["logits"], self.network, features=features, block=self.block)

    def mean(self, parameters: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the probabilities that a pass from the first pixel to the last gives to each."""
        return self.distribution(parameters).mean()

    def context(self, x: tf.Tensor, features: tf.Tensor | None = None) -> tf.Tensor:
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
        return to_pixels(self.network.answer(self.network.look(to_places(x, self.block)), places), self.block)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        names = ("window", "filters", "depth", "features", "block")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
