"""The elbo and what it is made of, example by example."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_vae.core import Stream, fold_in
from keras_vae.divergences import closed_form_kl, closed_form_kl_per_dimension
from keras_vae.evaluation.execution import MAX_NUMBERS, compiled, specs_of, tensors_of

_MAX_BATCH = 100


class Bound(NamedTuple):
    """Distortion, rates of the levels bottom-up, and their split into dimensions, in nats."""

    distortion: np.ndarray  # (n,): -E_q[log p(x|z)]
    rates: np.ndarray  # (levels, n)
    kl_per_dimension: tuple  # of each level the mean, (latent_dim,), or None where its rate does not split
    is_closed_form: bool  # of all rates, given the samples above; those without are then Monte Carlo

    @property
    def rate(self):
        """The rate of all levels together, of shape (n,)."""
        return self.rates.sum(axis=0)

    @property
    def elbo(self):
        """The elbo, of shape (n,)."""
        return -self.distortion - self.rate


def bound(vae, x, num_samples, *, seed):
    """Average distortion and rate over samples of q(z|x), for each example.

    Batches are of a fixed size, so that the noise is a function of the seed and of the example's place alone.
    """
    record = vae.infer(x.rows(0, 1), num_samples=1, seed=0)
    closed = tuple(_exists(closed_form_kl, latent) for latent in record.latents)
    splits = tuple(_exists(closed_form_kl_per_dimension, latent) for latent in record.latents)
    key = tf.TensorSpec([2], tf.int32)
    terms = compiled(vae, _make_terms, num_samples, closed, splits, signature=[specs_of(x), key])
    size = min(max(1, MAX_NUMBERS // (num_samples * vae.likelihood.working_numbers)), _MAX_BATCH)
    distortions, rates, totals = [], [], None
    for start in range(0, len(x.x), size):
        batch = tensors_of(x.rows(start, start + size))
        distortion, rate, per_dimension = terms(batch, fold_in(seed, Stream.BOUND, start))
        distortions.append(distortion.numpy())
        rates.append(rate.numpy())
        part = [np.sum(level.numpy(), axis=0, dtype=np.float64) for level in per_dimension]
        totals = part if totals is None else [total + more for total, more in zip(totals, part, strict=True)]
    found = iter(totals)
    return Bound(
        np.concatenate(distortions).astype(np.float64),
        np.concatenate(rates, axis=1).astype(np.float64),
        tuple(next(found) / len(x.x) if split else None for split in splits),
        all(closed),
    )


def _exists(divergence, latent):
    try:
        divergence(latent.posterior, latent.prior)
    except NotImplementedError:
        return False
    return True


def _make_terms(vae, num_samples, closed, splits):
    def terms(x, key):
        record = vae.infer(x, num_samples=num_samples, seed=key)
        rates, per_dimension = [], []
        for latent, is_closed, does_split in zip(record.latents, closed, splits, strict=True):
            z, posterior, prior = latent
            rates.append(
                _mean_over_samples(closed_form_kl(posterior, prior), 1)
                if is_closed
                else tf.reduce_mean(posterior.log_prob(z) - prior.log_prob(z), axis=0)
            )
            if does_split:
                per_dimension.append(_mean_over_samples(closed_form_kl_per_dimension(posterior, prior), 2))
        distortion = -tf.reduce_mean(record.log_likelihood, axis=0)
        return distortion, tf.stack(rates), tuple(per_dimension)

    return terms


def _mean_over_samples(values, rank):
    """Average over samples of the level above, where there is one."""
    return values if values.shape.rank == rank else tf.reduce_mean(values, axis=0)
