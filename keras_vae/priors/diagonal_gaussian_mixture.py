"""Mixtures of factorized Gaussians, with a density that is a matrix product."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions
_FEW = 256  # numbers of all means: below, differences are as quick as products
_LIMIT = 1e11  # of squared distances, in standard deviations, which float64 then rounds by 1e-5


class DiagonalGaussianMixture(tfp.distributions.MixtureSameFamily):
    """log p(z) = log sum_k w_k N(z; m_k, diag(s_k^2)), for components `Independent(Normal(m, s))` of batch shape (K,).

    `MixtureSameFamily` takes the difference of each z and each component, (..., K, latent_dim) numbers. Here the
    squares are expanded around the mean c of all components,
    `sum_j (z_j - m_kj)^2 / s_kj^2 = (z - c)^2 . 1/s_k^2 - 2 (z - c) . (m_k - c)/s_k^2 + (m_k - c)^2 . 1/s_k^2`, and two
    matrix products make (..., K) numbers. They are in float64, as expanded squares cancel: the error in nats is about
    1e-16 times the largest last term. Where that could be seen in float32, differences are taken, one latent dimension
    at a time; so they are for few components, all at once.

    Parameters
    ----------
    mixture_distribution : tfp.distributions.Categorical
        The weights, of batch shape ().
    components_distribution : tfp.distributions.Independent
        The Gaussians, of batch shape (K,) and event shape (latent_dim,).
    **kwargs
        As in `tfp.distributions.MixtureSameFamily`.
    """

    def _log_prob(self, z):
        normal = self.components_distribution.distribution
        mean, scale = normal.loc, normal.scale
        z = tf.cast(z, mean.dtype)
        size = mean.shape.num_elements()
        if size is not None and size <= _FEW:
            squares = tf.reduce_sum(tf.square((z[..., None, :] - mean) / scale), axis=-1)
        else:
            squares = _squares(z, mean, scale)
        log_scale = tf.reduce_sum(tf.math.log(tf.cast(scale, tf.float64)), axis=-1)
        log_scale += 0.5 * mean.shape[1] * math.log(2.0 * math.pi)
        log_weights = tf.math.log_softmax(self.mixture_distribution.logits_parameter())
        joint = tf.cast(-0.5 * tf.cast(squares, tf.float64) - log_scale, self.dtype) + log_weights
        return tf.reduce_logsumexp(joint, axis=-1)

    def _sample_n(self, n, seed=None):
        """Draw a component, then z: `MixtureSameFamily` would draw z from every component."""
        component_seed, noise_seed = tfp.random.split_seed(seed, salt="DiagonalGaussianMixture")
        component = self.mixture_distribution.sample(n, seed=component_seed)
        normal = self.components_distribution.distribution
        chosen = tfd.Normal(tf.gather(normal.loc, component), tf.gather(normal.scale, component))
        return chosen.sample(seed=noise_seed)


def _squares(z, mean, scale):
    """Return squared distances in standard deviations, of shape (..., K), with no (..., K, latent_dim) numbers."""
    rows = tf.reshape(z, [-1, mean.shape[1]])  # (n, latent_dim)
    return tf.reshape(_squares_of_rows(rows, mean, scale), tf.concat([tf.shape(z)[:-1], tf.shape(mean)[:1]], axis=0))


@tf.custom_gradient
def _squares_of_rows(z, mean, scale):
    # Without gradients of their own, or a branch's intermediates leave the condition, and under XLA those of both.
    terms = _Terms(*(tf.stop_gradient(value) for value in (z, mean, scale)))
    squares = tf.cond(terms.are_precise(), terms.by_products, terms.by_differences)

    def gradient(upstream):  # (n, K)
        terms = _Terms(z, mean, scale)
        return tf.cond(
            terms.are_precise(),
            lambda: terms.gradients_by_products(upstream),
            lambda: terms.gradients_by_differences(upstream),
        )

    return squares, gradient


class _Terms:
    """What squared distances are made of, for z of shape (n, d), mean and scale of shape (K, d)."""

    def __init__(self, z, mean, scale):
        self.columns = (tf.transpose(z), tf.transpose(mean), tf.transpose(scale))  # (d, n or K)
        self.dtype = z.dtype
        z, mean, self.scale = (tf.cast(value, tf.float64) for value in (z, mean, scale))
        centre = tf.stop_gradient(tf.reduce_mean(mean, axis=0))  # no result depends on it
        self.z, self.mean = z - centre, mean - centre
        self.precision = 1.0 / tf.square(self.scale)
        self.weighted = self.precision * self.mean
        self.last = tf.reduce_sum(self.weighted * self.mean, axis=-1)  # (K,)

    def are_precise(self):
        return tf.reduce_max(self.last) < _LIMIT

    def by_products(self):
        squares = tf.matmul(tf.square(self.z), self.precision, transpose_b=True)
        squares += self.last - 2.0 * tf.matmul(self.z, self.weighted, transpose_b=True)
        return tf.cast(squares, self.dtype)

    def by_differences(self):
        z, mean, _ = self.columns
        zeros = tf.zeros([tf.shape(z)[1], tf.shape(mean)[1]], self.dtype)
        return tf.foldl(lambda total, column: total + tf.square(_distance(*column)), self.columns, zeros)

    def gradients_by_products(self, upstream):
        upstream = tf.cast(upstream, tf.float64)
        first, second = (tf.matmul(upstream, power, transpose_a=True) for power in (self.z, tf.square(self.z)))
        total = tf.reduce_sum(upstream, axis=0)[:, None]
        of_z = 2.0 * (self.z * tf.matmul(upstream, self.precision) - tf.matmul(upstream, self.weighted))
        of_mean = 2.0 * (self.weighted * total - self.precision * first)
        squares = second - 2.0 * self.mean * first + tf.square(self.mean) * total
        of_scale = -2.0 * self.precision * squares / self.scale
        return tuple(tf.cast(value, self.dtype) for value in (of_z, of_mean, of_scale))

    def gradients_by_differences(self, upstream):
        def of_one_dimension(column):
            distance, scale = _distance(*column), column[2]
            slope = 2.0 * upstream * distance / scale
            total = tf.reduce_sum(slope, axis=0)
            return tf.reduce_sum(slope, axis=1), -total, -tf.reduce_sum(slope * distance, axis=0)

        found = tf.map_fn(of_one_dimension, self.columns, fn_output_signature=(self.dtype,) * 3)
        return tuple(tf.transpose(value) for value in found)


def _distance(z, mean, scale):
    return (z[:, None] - mean) / scale
