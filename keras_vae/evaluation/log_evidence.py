"""The evidence, log p(x)."""

from typing import Any, Literal

import numpy as np

from keras_vae.core import check_choice, check_integer, resolve_seed
from keras_vae.evaluation.annealing import annealed_estimate
from keras_vae.evaluation.execution import Progress, check_model
from keras_vae.evaluation.importance import importance_estimate
from keras_vae.evaluation.prior_sampling import prior_estimate
from keras_vae.models import LatentVariableModel, collect

METHODS = ("importance", "prior", "ais")
_NUM_SAMPLES = {"importance": 5000, "prior": 5000, "ais": 16}


def log_evidence(
    vae: LatentVariableModel,
    x: Any,
    num_samples: int | None = None,
    method: Literal["importance", "prior", "ais"] = "importance",
    *,
    num_steps: int = 1000,
    num_leapfrog_steps: int = 10,
    start: Literal["prior", "posterior"] = "prior",
    seed: int | None = None,
    batch_size: int | None = None,
    progress: Progress = False,
) -> np.ndarray:
    """Estimate log p(x) = log of the integral of p(x|z) p(z) dz, for each observation.

    - "importance": `log 1/K sum_k p(x, z_k) / q(z_k|x)`, z_k from q(z|x) (Burda et al. 2016, section 5), what
      published tables report. Where q misses a part of the posterior the estimate is too low.
    - "prior": `log 1/K sum_k p(x|z_k)`, z_k from p(z), the same for all x: independent of q, and useful in few latent
      dimensions only.
    - "ais": annealed importance sampling (Neal 2001), K chains that move by Hamiltonian Monte Carlo along
      `p_t(z) ~ start(z)^(1 - beta_t) p(x, z)^beta_t` (Wu et al. 2017). Step sizes are tuned on pilot chains, to an
      acceptance of 0.8, and then fixed; tuning along the way would bias the estimate. See also `ais_sandwich`.

    Each estimates p(x) without bias, so the logarithm is, on average, a lower bound that tightens as K grows.

    Memory: the likelihood's parameters hold at most 2^22 numbers at a time (16 MiB in float32), or one event's if that
    needs more; a pass takes about six times that, whatever `num_samples` and n are.

    Parameters
    ----------
    vae : keras_vae.VAE or keras_vae.HierarchicalVAE
        The model.
    x : array_like
        Shape (n, *x_shape), or what else `fit` takes: `(x, y)`, a dictionary, a data set. With a condition the
        evidence is log p(x|c), with a mask that of what is observed, with a target that of the target.
    num_samples : int, optional
        K, at least 1. By default 5000, and 16 chains for "ais".
    method : {"importance", "prior", "ais"}
        The estimator.
    num_steps : int
        For "ais": intermediate distributions, spaced by a sigmoid.
    num_leapfrog_steps : int
        For "ais": gradients in each move.
    start : {"prior", "posterior"}
        For "ais": where the path begins, p(z) or q(z|x); the latter for models of one level.
    seed : int, optional
        Of the noise; a fresh one by default. With the same seed an observation at the same place in x gets the same
        number.
    batch_size : int, optional
        The most observations at a time, by default as many as memory allows. Neither "importance" nor "prior" depends
        on it, up to rounding; the noise of "ais" does.
    progress : bool or callable
        Whether a bar shows how far the estimate is. Or a function that is called with the share that is done, first 0.0
        and at last 1.0; where it answers True, the estimate ends with the observations that are done (with the samples,
        for "prior"). Without one, the logger "keras_vae" warns once if the estimate will take more than a minute.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float64, in nats; fewer where `progress` ended it.

    Raises
    ------
    TypeError
        If `vae` is not a model of this package.
    ValueError
        If the model's posterior has no density, an argument is out of range, or x does not suit the likelihood.

    Examples
    --------
    >>> log_evidence(vae, test_x, seed=0).mean()
    """
    return estimate_evidence(
        vae,
        x,
        num_samples,
        method,
        num_steps=num_steps,
        num_leapfrog_steps=num_leapfrog_steps,
        start=start,
        seed=seed,
        batch_size=batch_size,
        progress=progress,
    ).log_evidence


def default_num_samples(num_samples, method):
    """Check the method and the number of samples, and fill in the method's own."""
    check_choice("method", method, METHODS)
    return _NUM_SAMPLES[method] if num_samples is None else check_integer("num_samples", num_samples, minimum=1)


def estimate_evidence(
    vae,
    x,
    num_samples,
    method,
    *,
    num_steps=1000,
    num_leapfrog_steps=10,
    start="prior",
    seed=None,
    batch_size=None,
    progress=False,
):
    """Return the `Estimate` of log p(x), with its errors; the arguments are those of `log_evidence`."""
    num_samples = default_num_samples(num_samples, method)
    if batch_size is not None:
        check_integer("batch_size", batch_size, minimum=1)
    vae = check_model(vae)
    x = collect(x, vae.spec)
    shared = {"seed": resolve_seed(seed), "batch_size": batch_size, "progress": progress}
    if method == "ais":
        options = {"num_steps": num_steps, "num_leapfrog_steps": num_leapfrog_steps, "start": start}
        return annealed_estimate(vae, x, num_samples, **options, **shared)
    if (num_steps, num_leapfrog_steps, start) != (1000, 10, "prior"):
        raise ValueError(
            '`num_steps`, `num_leapfrog_steps` and `start` must be left out unless method="ais". '
            f"Received: {num_steps}, {num_leapfrog_steps} and {start!r} with method={method!r}"
        )
    estimators = {"importance": importance_estimate, "prior": prior_estimate}
    return estimators[method](vae, x, num_samples, **shared)
