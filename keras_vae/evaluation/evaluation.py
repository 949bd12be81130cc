"""The result of an evaluation."""

import dataclasses
from typing import Any, Literal

import numpy as np

from keras_vae.evaluation.pareto import highest_k

_ROWS = ("elbo", "rate", "distortion", "log_evidence", "gap", "mutual_information", "marginal_kl")


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """What `evaluate_vae` found. Nats for each example, averages over examples, where nothing else is said.

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
            NaN is None here, for JSON has none.
        """
        found = {"units": "nats per example", **dataclasses.asdict(self), "is_saturated": self.is_saturated}
        return _plain(found)

    def __str__(self) -> str:
        """Return a table for the screen."""
        lines = [f"{'nats per example':<20}{'mean':>12}{'standard error':>18}"]
        for name in _ROWS:
            error = self.standard_errors.get(name)
            shown = f"{error:>18.3f}" if error is not None and np.isfinite(error) else " " * 18
            lines.append(f"{name:<20}{getattr(self, name):>12.3f}{shown}".rstrip())
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

    def _marginal_kl_note(self):
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
