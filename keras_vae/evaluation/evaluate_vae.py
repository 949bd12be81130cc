"""What a trained model is worth on a data set: its bound, its evidence, and what its latents carry."""

import dataclasses
import math
from typing import Any, Literal

import numpy as np

from keras_vae.core import check_integer, html_table, resolve_seed, right_aligned
from keras_vae.evaluation.aggregate import mutual_information
from keras_vae.evaluation.bound import bound
from keras_vae.evaluation.execution import Progress, check_model, check_unweighted
from keras_vae.evaluation.log_evidence import default_num_samples, estimate_evidence
from keras_vae.evaluation.pareto import highest_k
from keras_vae.models import LatentVariableModel, collect

ACTIVE = 0.01
"""The variance of its posterior mean above which a latent dimension is active (Burda et al. 2016, section 5.1)."""


_ROWS = ("elbo", "rate", "distortion", "log_evidence", "gap", "mutual_information", "marginal_kl")


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """What `evaluate_vae` found. Nats for each example, averages over examples, unless stated otherwise.

    `str` gives a table, `to_dict` what JSON can hold.

    Parameters
    ----------
    elbo : float
        -distortion - rate.
    rate : float
        E_x KL[q(z|x) || p(z)], of all levels.
    distortion : float
        -E_x E_q[log p(x|z)].
    log_evidence : float
        log p(x), estimated.
    gap : float
        log_evidence - elbo = E_x KL[q(z|x) || p(z|x)].
    mutual_information : float
        I(x; z) of the top level, from the aggregate posterior. On average it is too low, and never above its ceiling.
    mutual_information_ceiling : float
        The logarithm of `num_aggregated`. See also `is_saturated`.
    marginal_kl : float
        KL(q(z) || p(z)) of the top level: its rate less `mutual_information` (Hoffman & Johnson 2016, eq. 3). On
        average it is too high, and never below the rate less the ceiling, whatever q(z) is.
    marginal_kl_lower : float
        The rate less an estimate of I(x; z) that is too high on average, but at least 0: on average over data sets
        KL(q(z) || p(z)) lies between the two.
    standard_errors : dict
        From the names of averages above to their standard errors over other data: other examples of the same
        distribution, for the same model.
    monte_carlo_error : float
        The standard error of log_evidence over other samples, that is over other seeds, for the same examples; NaN for
        one sample. It leaves out that the logarithm of a mean is too low on average, and where tails are heavy it is
        too small itself.
    heavy_tailed_share : float
        The share of examples whose weights have a tail of Pareto k above min(1 - 1 / log10(num_samples), 0.7), the most
        for which a mean can be trusted (Vehtari et al. 2024). Their errors may be larger than stated; more samples help
        little, a better q(z|x) does. NaN where there are fewer than 21 samples, and for "ais".
    bits_per_dim : float or None
        -log2 p(x) for each element of an event, where it means something.
    bits_per_dim_note : str
        How it was computed, or why it was left out.
    active_units : tuple of int
        For each level, how many latent dimensions have Var_x E[z_j|x] > 0.01 (Burda et al. 2016, section 5.1).
    latent_dim : tuple of int
        For each level, how many there are.
    kl_per_dimension : tuple
        For each level an array of shape (latent_dim,), or None where the rate does not split into dimensions.
    rate_per_level : tuple of float
        Bottom-up.
    rate_method : {"closed_form", "monte_carlo"}
        How the rate was computed.
    posterior_collapse : str
        One sentence on whether z is used.
    num_examples, num_aggregated, num_samples : int
        Examples, those in the aggregate posterior, and samples for the evidence of each.
    method : str
        The estimator of the evidence.
    seed : int
        Of all noise.
    """

    elbo: float
    rate: float
    distortion: float
    log_evidence: float
    gap: float
    mutual_information: float
    mutual_information_ceiling: float
    marginal_kl: float
    marginal_kl_lower: float
    standard_errors: dict[str, float]
    monte_carlo_error: float
    heavy_tailed_share: float
    bits_per_dim: float | None
    bits_per_dim_note: str
    active_units: tuple[int, ...]
    latent_dim: tuple[int, ...]
    kl_per_dimension: tuple[np.ndarray | None, ...]
    rate_per_level: tuple[float, ...]
    rate_method: Literal["closed_form", "monte_carlo"]
    posterior_collapse: str
    num_examples: int
    num_aggregated: int
    num_samples: int
    method: str
    seed: int

    @property
    def is_saturated(self) -> bool:
        """Whether `mutual_information` is less than 1 nat below its ceiling, so that this decides `marginal_kl`."""
        return self.mutual_information > self.mutual_information_ceiling - 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as numbers, strings, lists and dictionaries.

        Returns
        -------
        dict
            NaN becomes None, because JSON has no NaN.
        """
        found = {"units": "nats per example", **dataclasses.asdict(self), "is_saturated": self.is_saturated}
        return _plain(found)

    def __str__(self) -> str:
        """Return a table for the screen."""
        lines = [f"{'nats per example':<20}{'mean':>12}{'standard error':>18}"]
        for name in _ROWS:
            error = self.standard_errors.get(name, float("nan"))
            digits = _decimals(error if name != "marginal_kl" else self.standard_errors["mutual_information"])
            shown = f"{error:>18.{digits}f}" if np.isfinite(error) else " " * 18
            lines.append(f"{name:<20}{getattr(self, name):>12.{digits}f}{shown}".rstrip())
        lines[-1] += f"   {self._marginal_kl_note()}"
        bits = "-" if self.bits_per_dim is None else f"{self.bits_per_dim:.4f}"
        lines.append(f"{'bits_per_dim':<20}{bits:>12}   {self.bits_per_dim_note}")
        units = ", ".join(f"{a} of {d}" for a, d in zip(self.active_units, self.latent_dim, strict=True))
        lines.append(f"{'active_units':<20}{units:>12}")
        for level, values in enumerate(self.kl_per_dimension):
            name = "kl_per_dimension" if len(self.kl_per_dimension) == 1 else f"kl_per_dimension {level + 1}"
            lines.append(f"{name:<20}{_spread(values)}")
        lines.append(self.posterior_collapse)
        lines.append(self._how())
        return "\n".join(lines)

    def _repr_html_(self):
        """Return the same table for a notebook."""
        rows = []
        for name in _ROWS:
            error = self.standard_errors.get(name)
            rows.append([name, f"{getattr(self, name):.3f}", "" if error is None else f"{error:.3f}"])
        bits = "–" if self.bits_per_dim is None else f"{self.bits_per_dim:.4f}"
        units = ", ".join(f"{a} of {d}" for a, d in zip(self.active_units, self.latent_dim, strict=True))
        rows += [["bits_per_dim", bits, ""], ["active_units", units, ""]]
        notes = [f"marginal_kl: {self._marginal_kl_note()}", f"bits_per_dim: {self.bits_per_dim_note}"]
        notes += [f"kl_per_dimension: {_spread(values).strip()}" for values in self.kl_per_dimension]
        header = ["nats per example", "mean", "standard error"]
        return html_table(header, rows, [self.posterior_collapse, *notes, self._how()])

    def _marginal_kl_note(self):
        if np.isnan(self.marginal_kl):
            return "not defined where the prior depends on the condition"
        note = f"at least {self.marginal_kl_lower:.3f} on average"
        if self.is_saturated:
            note += f"; saturated: rate - log {self.num_aggregated:,} is its floor"
        return note

    def _how(self):
        samples = "1 sample" if self.num_samples == 1 else f"{self.num_samples:,} samples"
        noise = f" (Monte-Carlo error {self.monte_carlo_error:.3f})" if np.isfinite(self.monte_carlo_error) else ""
        tails = ""
        if self.heavy_tailed_share > 0:
            tails = (
                f", for {self.heavy_tailed_share:.1%} of the examples with heavy-tailed weights (Pareto k above "
                f"{highest_k(self.num_samples):.2f}), whose error may be larger than stated"
            )
        return (
            f"{self.num_examples:,} examples; log_evidence by {self.method}, {samples}{noise}{tails}; rate in "
            f"{self.rate_method.replace('_', ' ')}; mutual_information is at most log {self.num_aggregated:,} = "
            f"{self.mutual_information_ceiling:.2f}; standard errors are over other examples, the Monte-Carlo error "
            f"over other seeds; seed {self.seed}"
        )


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
    progress: Progress = False,
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
        Shape (n, *x_shape), or what else `fit` takes: `(x, y)`, a dictionary, a data set. With a condition the
        evidence is log p(x|c), with a mask that of what is observed, with a target that of the target.
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
    progress : bool or callable
        As in `log_evidence`: a bar, or a function that is called with the share that is done. Where it answers True,
        what is measured are the examples that are done. 5000 samples for each of thousands of images take hours;
        without a function the logger "keras_vae" warns once if the evidence will take more than a minute.
    **annealing
        `num_steps`, `num_leapfrog_steps` and `start`, as in `log_evidence`.

    Returns
    -------
    Evaluation

    Raises
    ------
    TypeError
        If `vae` is not a model of this package.
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
    x = check_unweighted(collect(x, vae.spec), "evaluate_vae")
    seed = resolve_seed(seed)
    evidence = estimate_evidence(
        vae, x, num_samples, method, seed=seed, batch_size=batch_size, progress=progress, **annealing
    )
    x = x.rows(0, len(evidence.log_evidence))
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
    # The rate less the information is a divergence from the prior where there is one prior for all examples.
    top_rate = float("nan") if vae.levels[-1].prior.is_conditional else float(parts.rates[-1].mean())
    tails = evidence.pareto_k[~np.isnan(evidence.pareto_k)]
    active, latent_dim = _active_units(vae, x)
    bits, note = _bits_per_dim(vae.likelihood, x, means["log_evidence"], num_levels)
    return Evaluation(
        **means,
        mutual_information=information.value,
        mutual_information_ceiling=float(np.log(information.num_examples)),
        marginal_kl=top_rate - information.value,
        marginal_kl_lower=float(np.maximum(0.0, top_rate - information.upper)),
        standard_errors=errors,
        monte_carlo_error=evidence.mean_standard_error,
        heavy_tailed_share=float(np.mean(tails > highest_k(evidence.num_samples))) if len(tails) else float("nan"),
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
        num_samples=evidence.num_samples,
        method=method,
        seed=seed,
    )


def verdict(active, latent_dim, rate):
    """Say in one sentence whether the posterior collapsed into the prior (Bowman et al. 2016; Lucas et al. 2019)."""
    carried = f"the rate is {rate:.2f} nats"
    if active == 0:
        return f"The posterior collapsed: no latent dimension of {latent_dim} is active, {carried}."
    if active == latent_dim:
        whole = f"All {latent_dim} latent dimensions are" if latent_dim > 1 else "The latent dimension is"
        return f"{whole} active, {carried}."
    rest, verb = latent_dim - active, "is" if active == 1 else "are"
    others = "the other one follows" if rest == 1 else f"the other {rest} follow"
    return f"{active} of {latent_dim} latent dimensions {verb} active, {carried}; {others} the prior."


def _active_units(vae, x):
    means = vae.as_levels(vae.encode(x))
    # One example has no variance, and so no active units.
    variances = [np.var(level, axis=0, dtype=np.float64, ddof=1 if len(x.x) > 1 else 0) for level in means]
    return tuple(int(np.sum(level > ACTIVE)) for level in variances), tuple(len(level) for level in variances)


def _decimals(error):
    """Return after how many decimals a number with this standard error says no more: at two figures of the error."""
    if not np.isfinite(error) or error <= 0:
        return 3
    return min(3, max(0, 1 - math.floor(math.log10(error))))


def _standard_error(values):
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def _bits_per_dim(likelihood, batch, log_evidence, num_levels=None):
    """Turn log p(x) into bits for each observed element of an event; return them, or None, and how, or why not.

    Values in [0, 1] are of `num_levels` levels, by default 256 where all are whole multiples of 1/255.
    """
    x, size = batch.event, likelihood.event_size
    if batch.mask is not None:
        mask = right_aligned(batch.mask, 1 + len(likelihood.event_shape))
        size = size * float(np.broadcast_to(mask, (len(x), *likelihood.event_shape)).mean(dtype=np.float64))
        if size == 0:
            return None, "left out: nothing is observed"
    value = -log_evidence / (size * math.log(2))
    if likelihood.is_discrete:
        if np.array_equal(x, np.round(x)):
            return value, f"-log p(x) / ({size:.8g} ln 2)"
        return None, (
            "left out: of grey values this likelihood gives a cross-entropy, which is not a log-probability, so all "
            "numbers in nats compare with themselves alone"
        )
    if x.min() < 0.0 or x.max() > 1.0:
        return None, "left out: the bits of a density depend on the units of x, which are not those of [0, 1]"
    if num_levels is None:
        if not np.allclose(255.0 * x, np.round(255.0 * x), atol=1e-3):
            return None, "left out: the bits of a density depend on the number of levels: say `num_levels`"
        num_levels = 256
    return value + math.log2(num_levels), (
        f"-log p(x) / ({size:.8g} ln 2) + log2 {num_levels}, for the change of units from [0, 1] to {num_levels} "
        "levels; a bound on the bits of the levels themselves only if noise within each level was added to x"
    )


def _spread(values):
    if values is None:
        return "     -   the rate does not split into latent dimensions"
    low, median, high = np.quantile(values, [0.0, 0.5, 1.0])
    return f"{'':>8}from {low:.3f} to {high:.3f}, median {median:.3f}"


def _plain(value):
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (tuple, list, np.ndarray)):
        return [_plain(part) for part in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
