"""All that is to be said of a trained model on a data set."""

from typing import Any, Literal

import numpy as np

from keras_vae.core import check_integer, resolve_seed
from keras_vae.evaluation.aggregate import mutual_information
from keras_vae.evaluation.bits import bits_per_dim
from keras_vae.evaluation.bound import bound
from keras_vae.evaluation.checks import check_model, check_observations
from keras_vae.evaluation.evaluation import Evaluation
from keras_vae.evaluation.log_evidence import default_num_samples, estimate_evidence
from keras_vae.evaluation.pareto import highest_k
from keras_vae.models import LatentVariableModel

ACTIVE = 0.01
"""The variance of its posterior mean above which a latent dimension is active (Burda et al. 2016, section 5.1)."""


def evaluate_vae(
    vae: LatentVariableModel,
    x: Any,
    num_samples: int | None = None,
    method: Literal["importance", "prior", "ais"] = "importance",
    *,
    elbo_samples: int = 64,
    aggregate_size: int = 2000,
    num_levels: int | None = None,
    seed: int | None = None,
    batch_size: int | None = None,
    progress: bool = False,
    **annealing: Any,
) -> Evaluation:
    """Measure a model: its bound, its evidence, and what its latent dimensions carry.

    `elbo = -distortion - rate`, `log p(x) = elbo + gap`, and `rate = I(x; z) + KL(q(z) || p(z))` with the aggregate
    posterior q(z) = 1/M sum_m q(z|x_m) (Hoffman & Johnson 2016). The rate is in closed form wherever one exists. For a
    model of several levels I(x; z) and KL(q(z) || p(z)) are the top level's.

    Parameters
    ----------
    vae : keras_vae.VAE or keras_vae.HierarchicalVAE
        The model.
    x : array_like
        Shape (n, *x_shape): observations, as the likelihood takes them.
    num_samples : int, optional
        Samples for the evidence, as in `log_evidence`.
    method : {"importance", "prior", "ais"}
        The estimator of the evidence.
    elbo_samples : int
        Samples of q(z|x) for distortion and rate, at least 1.
    aggregate_size : int
        The most examples M in the aggregate posterior, at least 1. As an estimate for the distribution of x, I(x; z) is
        too low and never above log M, and KL(q(z) || p(z)) is too high by as much; the cost is the square of M.
    num_levels : int, optional
        For densities of values in [0, 1]: how many levels they had, for bits_per_dim. By default 256 where all values
        are multiples of 1/255.
    seed : int, optional
        Of all noise; a fresh one by default.
    batch_size : int, optional
        As in `log_evidence`.
    progress : bool
        Whether a bar shows how far the evidence is.
    **annealing
        `num_steps`, `num_leapfrog_steps` and `start`, as in `log_evidence`.

    Returns
    -------
    Evaluation

    Raises
    ------
    TypeError
        If `vae` is no model of this package.
    ValueError
        If the model's posterior has no density, an argument is out of range, or x does not suit the likelihood.

    Examples
    --------
    >>> print(evaluate_vae(vae, test_x, seed=0))
    """
    check_integer("elbo_samples", elbo_samples, minimum=1)
    check_integer("aggregate_size", aggregate_size, minimum=1)
    if num_levels is not None:
        check_integer("num_levels", num_levels, minimum=2)
    num_samples = default_num_samples(num_samples, method)
    vae = check_model(vae)
    x = check_observations(vae, x)
    seed = resolve_seed(seed)
    evidence = estimate_evidence(
        vae, x, num_samples, method, seed=seed, batch_size=batch_size, progress=progress, **annealing
    )
    parts = bound(vae, x, elbo_samples, seed=seed)
    information = mutual_information(vae, x, aggregate_size, seed=seed)
    per_example = {
        "elbo": parts.elbo,
        "rate": parts.rate,
        "distortion": parts.distortion,
        "log_evidence": evidence.log_evidence,
        "gap": evidence.log_evidence - parts.elbo,
    }
    means = {name: float(values.mean()) for name, values in per_example.items()}
    errors = {name: _standard_error(values) for name, values in per_example.items()}
    errors["mutual_information"] = information.standard_error
    top_rate, tails = float(parts.rates[-1].mean()), evidence.pareto_k[~np.isnan(evidence.pareto_k)]
    active, latent_dim = _active_units(vae, x)
    bits, note = bits_per_dim(vae.likelihood, x.event, means["log_evidence"], num_levels)
    return Evaluation(
        **means,
        mutual_information=information.value,
        mutual_information_ceiling=float(np.log(information.num_examples)),
        marginal_kl=top_rate - information.value,
        marginal_kl_lower=max(0.0, top_rate - information.upper),
        standard_errors=errors,
        monte_carlo_error=evidence.mean_standard_error,
        heavy_tailed_share=float(np.mean(tails > highest_k(num_samples))) if len(tails) else float("nan"),
        bits_per_dim=bits,
        bits_per_dim_note=note,
        active_units=active,
        latent_dim=latent_dim,
        kl_per_dimension=parts.kl_per_dimension,
        rate_per_level=tuple(parts.rates.mean(axis=1).tolist()),
        rate_method="closed_form" if parts.is_closed_form else "monte_carlo",
        posterior_collapse=verdict(sum(active), sum(latent_dim), means["rate"]),
        num_examples=len(x.x),
        num_aggregated=information.num_examples,
        num_samples=num_samples,
        method=method,
        seed=seed,
    )


def verdict(active, latent_dim, rate):
    """Say in one sentence whether the posterior collapsed into the prior (Bowman et al. 2016; Lucas et al. 2019).

    Parameters
    ----------
    active, latent_dim : int
        How many latent dimensions are active, of how many.
    rate : float
        In nats.

    Returns
    -------
    str
    """
    carried = f"the rate is {rate:.2f} nats"
    if active == 0:
        return f"Posterior collapse: none of {latent_dim} latent dimensions is active, {carried}."
    if active == latent_dim:
        return f"No posterior collapse: all of {latent_dim} latent dimensions are active, {carried}."
    extent = "Partial" if 2 * active < latent_dim else "No"
    return (
        f"{extent} posterior collapse: {active} of {latent_dim} latent dimensions are active, {carried}; the others "
        "follow the prior."
    )


def _active_units(vae, x):
    means = vae.as_levels(vae.encode(x))
    # One example has no variance, and so no active units.
    variances = [np.var(level, axis=0, dtype=np.float64, ddof=1 if len(x.x) > 1 else 0) for level in means]
    return tuple(int(np.sum(level > ACTIVE)) for level in variances), tuple(len(level) for level in variances)


def _standard_error(values):
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
