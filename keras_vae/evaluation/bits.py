"""Bits per dimension, where they mean something."""

import math

import numpy as np


def bits_per_dim(likelihood, x, log_evidence, num_levels=None):
    """Turn log p(x) into bits for each element of an event, and say how, or why not.

    Parameters
    ----------
    likelihood : keras_vae.likelihoods.Likelihood
        The model's.
    x : numpy.ndarray
        Shape (n, *x_shape).
    log_evidence : float
        Mean of log p(x), in nats.
    num_levels : int, optional
        Of how many levels values in [0, 1] are; by default 256 where all are whole multiples of 1/255.

    Returns
    -------
    value : float or None
        -log2 p(x) for each element.
    note : str
        What was computed, or why nothing was.
    """
    size = likelihood.event_size
    value = -log_evidence / (size * math.log(2))
    if likelihood.is_discrete:
        if np.array_equal(x, np.round(x)):
            return value, f"-log p(x) / ({size} ln 2)"
        return None, (
            "left out: of grey values this likelihood gives a cross-entropy, which is no log-probability, and so all "
            "numbers in nats compare with themselves alone"
        )
    if x.min() < 0.0 or x.max() > 1.0:
        return None, "left out: the bits of a density depend on the units of x, which are not those of [0, 1]"
    if num_levels is None:
        if not np.allclose(255.0 * x, np.round(255.0 * x), atol=1e-3):
            return None, "left out: the bits of a density depend on the number of levels: say `num_levels`"
        num_levels = 256
    return value + math.log2(num_levels), (
        f"-log p(x) / ({size} ln 2) + log2 {num_levels}, for the change of units from [0, 1] to {num_levels} levels; "
        "a bound on the bits of the levels themselves only if noise within each level was added to x"
    )
