"""The distribution of binary images whose elements look back at those before them."""

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.likelihoods.logit_bernoulli import LogitBernoulli


class CausalBernoulli(tfp.distributions.Distribution):
    """log p(x) = sum_d log Bernoulli(x_d; logits_d + g_d(x before d, features)), by the chain rule.

    The network g works on places: pixels, or squares of `block` pixels a side, whose pixels are then channels.

    A log-probability takes all elements at once. A sample takes one pixel after the other: place by place in raster
    order, and in raster order within a place. So does `mean`. It is not the expectation, which has no closed form, but
    the pass in which each pixel gets the probabilities of those before it in place of their values.

    Parameters
    ----------
    logits : tf.Tensor
        Shape (..., height, width, channels): what does not depend on x.
    network : CausalNetwork
        g: its `look` is taken once for each x, its `answer` for each logits and features, `answer_at` for a pixel.
    features : tf.Tensor, optional
        Shape (..., height, width, numbers): what g is given beside x, with the leading axes of `logits`. Without them g
        is computed once for each x, however many logits it is added to.
    block : int
        The side of the squares.
    """

    def __init__(self, logits, network, *, features=None, block=1):
        parameters = dict(locals())
        self.logits, self.network, self.features, self.block = logits, network, features, block
        super().__init__(
            dtype=logits.dtype,
            reparameterization_type=tfp.distributions.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name="CausalBernoulli",
        )

    def _batch_shape(self):
        return self.logits.shape[:-3]

    def _batch_shape_tensor(self):
        return tf.shape(self.logits)[:-3]

    def _event_shape(self):
        return self.logits.shape[-3:]

    def _event_shape_tensor(self):
        return tf.shape(self.logits)[-3:]

    def _log_prob(self, x):
        x = tf.cast(x, self.dtype)
        images = to_places(tf.reshape(x, tf.concat([[-1], self.event_shape], axis=0)), self.block)

        def like_x(values):
            return tf.reshape(values, tf.concat([tf.shape(x)[:-3], values.shape[1:]], axis=0))

        seen = tf.nest.map_structure(like_x, self.network.look(images))
        logits = self.logits + to_pixels(self.network.answer(seen, to_places(self.features, self.block)), self.block)
        return tfp.distributions.Independent(LogitBernoulli(logits=logits, dtype=self.dtype), 3).log_prob(x)

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], tf.shape(self.logits)], axis=0)
        noise = tf.random.stateless_uniform(shape, tfp.random.sanitize_seed(seed), dtype=self.dtype)
        logits, features = tf.broadcast_to(self.logits, shape), self.features
        if features is not None:
            features = tf.broadcast_to(features, tf.concat([[n], tf.shape(features)], axis=0))
        return self._pass(logits, features, noise)

    def _mean(self):
        return self._pass(self.logits, self.features)

    def _pass(self, logits, features, noise=None):
        """Fill images in their order with what `noise` decides or, without it, with probabilities."""
        shape = tf.shape(logits)

        def folded(values):
            if values is None:
                return None
            return to_places(tf.reshape(values, [-1, *values.shape[-3:]]), self.block)

        logits, features, noise = folded(logits), folded(features), folded(noise)
        _, rows, columns, channels = logits.shape
        turns = self.block**2

        def step(number, images):
            place = number // turns
            row, column = place // columns, place % columns
            value = tf.sigmoid(logits[:, row, column] + self.network.answer_at(images, features, row, column))
            if noise is not None:
                value = tf.cast(noise[:, row, column] < value, self.dtype)
            here = tf.reshape(tf.one_hot(place, rows * columns, dtype=self.dtype), [1, rows, columns, 1])
            now = tf.repeat(tf.one_hot(number % turns, turns, dtype=self.dtype), channels // turns)
            return number + 1, images + here * (value * now)[:, None, None, :]

        steps = rows * columns * turns
        _, images = tf.while_loop(lambda number, _: number < steps, step, (0, tf.zeros_like(logits)))
        return tf.reshape(to_pixels(images, self.block), shape)


def to_places(values, block):
    """Make the pixels of each square channels.

    Parameters
    ----------
    values : tf.Tensor or None
        Shape (..., height, width, channels).
    block : int
        The side of the squares.

    Returns
    -------
    tf.Tensor or None
        Shape (..., height / block, width / block, block^2 * channels).
    """
    if values is None or block == 1:
        return values
    height, width, channels = values.shape[-3:]
    places = tf.nn.space_to_depth(tf.reshape(values, [-1, height, width, channels]), block)
    return tf.reshape(places, tf.concat([tf.shape(values)[:-3], places.shape[1:]], axis=0))


def to_pixels(places, block):
    """Undo `to_places`.

    Parameters
    ----------
    places : tf.Tensor
        Shape (..., rows, columns, block^2 * channels).
    block : int
        The side of the squares.

    Returns
    -------
    tf.Tensor
        Shape (..., rows * block, columns * block, channels).
    """
    if block == 1:
        return places
    values = tf.nn.depth_to_space(tf.reshape(places, [-1, *places.shape[-3:]]), block)
    return tf.reshape(values, tf.concat([tf.shape(places)[:-3], values.shape[1:]], axis=0))
