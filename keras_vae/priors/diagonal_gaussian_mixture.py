"""Mixtures of factorized Gaussians, with a density that is a matrix product."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions


class DiagonalGaussianMixture(tfd.MixtureSameFamily):
    """log p(z) = log sum_k w_k N(z; m_k, diag(s_k^2)), for components `Independent(Normal(m, s))` of batch shape (K,).

    `MixtureSameFamily` takes the difference of each z and each component, (..., K, latent_dim) numbers; here the
    squares are expanded, `sum_j (z_j - m_kj)^2 / s_kj^2 = z^2 . 1/s_k^2 - 2 z . m_k/s_k^2 + m_k^2 . 1/s_k^2`, and two
    matrix products make (..., K) numbers. Expanded squares cancel, and some GPUs multiply float32 matrices in fewer
    bits, so the products are in float64.

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
        z, mean, scale = (tf.cast(value, tf.float64) for value in (z, normal.loc, normal.scale))
        precision = 1.0 / tf.square(scale)
        squares = tf.tensordot(tf.square(z), precision, [[-1], [1]])  # (..., K)
        squares -= 2.0 * tf.tensordot(z, precision * mean, [[-1], [1]])
        squares += tf.reduce_sum(precision * tf.square(mean), axis=-1)
        log_scale = tf.reduce_sum(tf.math.log(scale), axis=-1) + 0.5 * normal.loc.shape[-1] * math.log(2.0 * math.pi)
        log_weights = tf.math.log_softmax(self.mixture_distribution.logits_parameter())
        joint = tf.cast(-0.5 * squares - log_scale, self.dtype) + log_weights
        return tf.reduce_logsumexp(joint, axis=-1)

    def _sample_n(self, n, seed=None):
        """Draw a component, then z: `MixtureSameFamily` would draw z from every component."""
        component_seed, noise_seed = tfp.random.split_seed(seed, salt="DiagonalGaussianMixture")
        component = self.mixture_distribution.sample(n, seed=component_seed)
        normal = self.components_distribution.distribution
        chosen = tfd.Normal(tf.gather(normal.loc, component), tf.gather(normal.scale, component))
        return chosen.sample(seed=noise_seed)
