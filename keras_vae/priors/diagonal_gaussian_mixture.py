"""Mixtures of factorized Gaussians, with a density that is a matrix product."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions
_FEW = 256  # numbers of all means: below, differences are as quick as products
_LIMIT = 1e11  # of squared distances, in standard deviations, which float64 then rounds by 1e-5


class DiagonalGaussianMixture(tfd.MixtureSameFamily):
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


@tf.custom_gradient  # without it all of a branch's intermediates leave the condition, under XLA those of both
def _squares_of_rows(z, mean, scale):
    centre = tf.reduce_mean(tf.cast(mean, tf.float64), axis=0)  # no result depends on it
    centred_z, centred_mean = tf.cast(z, tf.float64) - centre, tf.cast(mean, tf.float64) - centre
    precision = 1.0 / tf.square(tf.cast(scale, tf.float64))
    weighted = precision * centred_mean
    last = tf.reduce_sum(weighted * centred_mean, axis=-1)  # (K,)
    columns = (tf.transpose(z), tf.transpose(mean), tf.transpose(scale))  # (latent_dim, n or K)

    def by_products():
        squares = tf.matmul(tf.square(centred_z), precision, transpose_b=True)
        return tf.cast(squares - 2.0 * tf.matmul(centred_z, weighted, transpose_b=True) + last, z.dtype)

    def by_differences():
        zeros = tf.zeros([tf.shape(z)[0], tf.shape(mean)[0]], z.dtype)
        return tf.foldl(lambda total, column: total + tf.square(_distance(*column)), columns, zeros)

    def gradient(upstream):  # (n, K)
        def of_products():
            wide = tf.cast(upstream, tf.float64)
            first, second = (tf.matmul(wide, power, transpose_a=True) for power in (centred_z, tf.square(centred_z)))
            total = tf.reduce_sum(wide, axis=0)[:, None]
            of_z = 2.0 * (centred_z * tf.matmul(wide, precision) - tf.matmul(wide, weighted))
            of_mean = 2.0 * (weighted * total - precision * first)
            squares = second - 2.0 * centred_mean * first + tf.square(centred_mean) * total
            of_scale = -2.0 * precision * squares / tf.cast(scale, tf.float64)
            return tuple(tf.cast(value, z.dtype) for value in (of_z, of_mean, of_scale))

        def of_one_dimension(column):
            distance, scale = _distance(*column), column[2]
            slope = 2.0 * upstream * distance / scale
            total = tf.reduce_sum(slope, axis=0)
            return tf.reduce_sum(slope, axis=1), -total, -tf.reduce_sum(slope * distance, axis=0)

        def of_differences():
            found = tf.map_fn(of_one_dimension, columns, fn_output_signature=(z.dtype,) * 3)
            return tuple(tf.transpose(value) for value in found)

        return tf.cond(precise, of_products, of_differences)

    precise = tf.reduce_max(last) < _LIMIT
    return tf.cond(precise, by_products, by_differences), gradient


def _distance(z, mean, scale):
    return (z[:, None] - mean) / scale
