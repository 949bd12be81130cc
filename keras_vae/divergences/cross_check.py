"""The closed form checked by Monte Carlo."""

from typing import NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import check_integer
from keras_vae.divergences.closed_form import closed_form_kl
from keras_vae.divergences.monte_carlo import log_ratio


class CrossCheck(NamedTuple):
    """What `cross_check` found; each entry is a tensor of shape (batch,), in nats.

    Attributes
    ----------
    closed_form : tf.Tensor
        The closed form.
    monte_carlo : tf.Tensor
        The Monte-Carlo estimate.
    difference : tf.Tensor
        `monte_carlo - closed_form`.
    standard_error : tf.Tensor
        The standard error of the estimate, over other samples. In units of it the difference follows about Student's t
        with num_samples - 1 degrees of freedom: it is within four in all but 1 of 16,000 cases with very many samples,
        1 of 8,000 with 100, 1 of 300 with 10 and 1 of 6 with 2.
    """

    closed_form: tf.Tensor
    monte_carlo: tf.Tensor
    difference: tf.Tensor
    standard_error: tf.Tensor


def cross_check(
    posterior: tfp.distributions.Distribution,
    prior: tfp.distributions.Distribution,
    num_samples: int = 1000,
    *,
    seed: int | tf.Tensor | None = None,
) -> CrossCheck:
    """Compute the KL divergence of a pair both ways.

    Parameters
    ----------
    posterior : tfp.distributions.Distribution
        q(z|x), of batch shape (batch,).
    prior : tfp.distributions.Distribution
        p(z).
    num_samples : int
        Monte-Carlo samples for each example, at least 2; the standard error of few is itself uncertain.
    seed : int or tensor of shape (2,), optional
        Seed of the samples.

    Returns
    -------
    CrossCheck
        Both values, their difference and its standard error.

    Raises
    ------
    NotImplementedError
        If the pair has no closed form.
    ValueError
        If `num_samples` < 2.
    """
    check_integer("num_samples", num_samples, minimum=2)
    closed_form = closed_form_kl(posterior, prior)
    ratios = log_ratio(posterior, prior, num_samples=num_samples, seed=seed)
    monte_carlo = tf.reduce_mean(ratios, axis=0)
    deviation = tf.sqrt(tf.math.reduce_variance(ratios, axis=0) * num_samples / (num_samples - 1))
    return CrossCheck(closed_form, monte_carlo, monte_carlo - closed_form, deviation / num_samples**0.5)
