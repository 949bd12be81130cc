"""The aggregate posterior, and how much z says about x."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_vae.core import Stream, fold_in
from keras_vae.evaluation.execution import MAX_NUMBERS

_MAX_BATCH = 100


class MutualInformation(NamedTuple):
    """I(x; z) in nats, as `mutual_information` estimates it."""

    value: float  # on average too low
    upper: float  # on average too high; infinite for one example
    standard_error: float  # of the value, over other examples and other z
    num_examples: int  # M, in the aggregate posterior; the value is at most log M


def mutual_information(vae, x, max_examples, *, seed):
    """Estimate I(x; z) = E[log q(z|x_n) - log q(z)], q(z) = 1/M sum_m q(z|x_m), of the top level.

    With the M examples for the whole population the estimate has no bias: it is the information about which of them
    made z (Hoffman & Johnson 2016, section 3). As an estimate for the distribution that they are a sample of it is too
    low on average, and never above log M. With the mean over all m but n in place of q(z) it is too high on average
    (Poole et al. 2019, section 2), without limit where posteriors do not overlap.

    At most `max_examples` of x are taken, evenly spaced; the cost is the square of it. z is one draw for each.
    """
    count = min(len(x.x), max_examples)
    places = np.linspace(0, len(x.x) - 1, count).round().astype(int)
    chosen = x.map(lambda values: values[places])
    posterior = _posterior(vae, chosen)
    z = posterior.sample(seed=fold_in(seed, Stream.AGGREGATE))
    numbers = sum(int(np.prod(part.shape[1:])) for part in tf.nest.flatten(posterior, expand_composites=True))
    rows = max(1, MAX_NUMBERS // (count * numbers))
    gains, others = [], []
    for start in range(0, count, rows):
        log_probs = posterior.log_prob(z[start : start + rows, None]).numpy().astype(np.float64)  # (rows, count)
        row, column = np.arange(len(log_probs)), start + np.arange(len(log_probs))
        own = log_probs[row, column]
        gains.append(own - np.logaddexp.reduce(log_probs, axis=1) + np.log(count))
        log_probs[row, column] = -np.inf
        others.append(own - np.logaddexp.reduce(log_probs, axis=1) + np.log(max(count - 1, 1)))
    gains, upper = np.concatenate(gains), float(np.concatenate(others).mean())
    spread = gains.std(ddof=1) / np.sqrt(count) if count > 1 else 0.0
    return MutualInformation(float(gains.mean()), upper, float(spread), count)


def _posterior(vae, x):
    """Build q(z|x) of many examples from batches, so that the encoder's memory is bounded."""
    size = min(max(1, MAX_NUMBERS // vae.likelihood.working_numbers), _MAX_BATCH)
    parts = [vae.posterior_of(x.rows(start, start + size)) for start in range(0, len(x.x), size)]
    flat = [tf.nest.flatten(part, expand_composites=True) for part in parts]
    joined = [tf.concat(tensors, axis=0) for tensors in zip(*flat, strict=True)]
    return tf.nest.pack_sequence_as(parts[0], joined, expand_composites=True)
