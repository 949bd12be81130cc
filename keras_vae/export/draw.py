"""Samples of a distribution by a seed for each row, so that a row depends on its own seed alone."""

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import fold_in, standard_normal, uniform_rows

tfd = tfp.distributions


def draw(distribution, seed):
    """Draw one sample, (batch, size), for each row of seeds, (batch, 2).

    Gaussians and their mixtures are drawn at once, other distributions row by row.
    """
    gaussian = _mean_and_factor(distribution)
    if gaussian is not None:
        return _placed(gaussian, seed)
    if isinstance(distribution, tfd.MixtureSameFamily) and distribution.batch_shape.rank == 0:
        components = _mean_and_factor(distribution.components_distribution)
        if components is not None:
            chosen = _component(distribution.mixture_distribution, fold_in(seed, 0))
            return _placed([tf.gather(parameter, chosen) for parameter in components], fold_in(seed, 1))
    return _row_by_row(distribution, seed)


def _mean_and_factor(distribution):
    """Return a Gaussian's mean and what noise is multiplied with, scales or a matrix; None if it is no Gaussian."""
    if isinstance(distribution, tfd.Independent) and isinstance(distribution.distribution, tfd.Normal):
        return distribution.distribution.loc, distribution.distribution.scale
    if isinstance(distribution, tfd.MultivariateNormalLinearOperator):
        return distribution.mean(), distribution.scale.to_dense()
    return None


def _placed(gaussian, seed):
    mean, factor = gaussian
    eps = standard_normal(tf.stack([tf.shape(seed)[0], mean.shape[-1]]), seed, mean.dtype)
    return mean + (factor * eps if factor.shape.rank == mean.shape.rank else tf.linalg.matvec(factor, eps))


def _component(categorical, seed):
    weights = tf.cast(categorical.probs_parameter(), tf.float64)
    below = tf.cumsum(weights, exclusive=True)  # begins at 0, and no number is below that
    number = uniform_rows(seed, tf.zeros([1, 1], tf.int32))[:, 0] * tf.reduce_sum(weights)
    return tf.searchsorted(below, number, side="right") - 1


def _row_by_row(distribution, seed):
    is_shared = distribution.batch_shape.rank == 0

    def row(number):
        if is_shared:
            return distribution.sample(seed=seed[number])
        return distribution[number : number + 1].sample(seed=seed[number])[0]  # TFP takes no tensor for an index

    spec = tf.TensorSpec(distribution.event_shape, distribution.dtype)
    return tf.map_fn(row, tf.range(tf.shape(seed)[0]), fn_output_signature=spec)
