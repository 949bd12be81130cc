"""The distribution of binary images whose elements look back at those before them."""

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.likelihoods.logit_bernoulli import LogitBernoulli


class CausalBernoulli(tfp.distributions.Distribution):
    """log p(x) = sum_d log Bernoulli(x_d; logits_d + g_d(x before d, features)), by the chain rule.

    A log-probability takes all elements at once. A sample takes one pixel after the other, in raster order, and so does
    `mean`, which is not the expectation, that has no closed form, but the pass in which each pixel is given the
    probabilities of those before it in place of their values.

    Parameters
    ----------
    logits : tf.Tensor
        Shape (..., height, width, channels): what does not depend on x.
    look : callable
        From x, of shape (batch, height, width, channels), to what each pixel sees of those before it, of shape (batch,
        height, width, filters).
    answer : callable
        From what pixels see, (..., height, width, filters), and their features to g, (..., height, width, channels).
    answer_at : callable
        From x, features, a row and a column to g at that pixel, of shape (batch, channels).
    features : tf.Tensor, optional
        Shape (..., height, width, numbers): what g is given beside x, with the leading axes of `logits`. Without them g
        is computed once for each x, however many logits it is added to.
    """

    def __init__(self, logits, look, answer, answer_at, features=None):
        parameters = dict(locals())
        self.logits, self.features = logits, features
        self._look, self._answer, self._answer_at = look, answer, answer_at
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
        images = tf.reshape(x, tf.concat([[-1], self.event_shape], axis=0))
        seen = self._look(images)
        seen = tf.reshape(seen, tf.concat([tf.shape(x)[:-1], [seen.shape[-1]]], axis=0))
        logits = self.logits + self._answer(seen, self.features)
        return tf.reduce_sum(LogitBernoulli(logits=logits, dtype=self.dtype).log_prob(x), axis=[-3, -2, -1])

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], tf.shape(self.logits)], axis=0)
        noise = tf.random.stateless_uniform(shape, tfp.random.sanitize_seed(seed), dtype=self.dtype)
        logits, features = tf.broadcast_to(self.logits, shape), self.features
        if features is not None:
            features = tf.broadcast_to(features, tf.concat([[n], tf.shape(features)], axis=0))
        return self._pass(logits, features, lambda probabilities, at: tf.cast(at(noise) < probabilities, self.dtype))

    def _mean(self):
        return self._pass(self.logits, self.features, lambda probabilities, at: probabilities)

    def _pass(self, logits, features, decide):
        """Fill images in raster order; `decide` gets a pixel's probabilities and a function that takes that pixel."""
        height, width, _ = self.event_shape

        def folded(values):
            return tf.reshape(values, [-1, height, width, values.shape[-1]])

        features = None if features is None else folded(features)

        def step(number, images):
            row, column = number // width, number % width

            def at(values):
                return folded(values)[:, row, column]

            probabilities = tf.sigmoid(at(logits) + self._answer_at(images, features, row, column))
            here = tf.reshape(tf.one_hot(number, height * width, dtype=self.dtype), [1, height, width, 1])
            return number + 1, images + here * decide(probabilities, at)[:, None, None, :]

        _, images = tf.while_loop(lambda number, _: number < height * width, step, (0, tf.zeros_like(folded(logits))))
        return tf.reshape(images, tf.shape(logits))
