"""The evidence lower bound, with beta and free bits."""

import numbers
from typing import Any, Literal, Self

import tensorflow as tf

from keras_vae.core import (
    Inference,
    check_choice,
    check_instance,
    check_integer,
    check_number,
    deserialize,
    global_mean,
    register,
    serialize,
)
from keras_vae.divergences import closed_form_kl, closed_form_kl_per_dimension, monte_carlo_kl
from keras_vae.objectives.objective import Objective, auxiliary_loss, distortion
from keras_vae.objectives.terms import Terms
from keras_vae.schedules import Schedule


@register
class ELBO(Objective):
    """Minimise distortion + beta * rate; at beta = 1 that is -elbo (Kingma & Welling 2014, eq. 3; Higgins et al. 2017).

    `log p(x) = elbo + KL[q(z|x) || p(z|x)]` with `elbo = E_q[log p(x|z)] - KL[q(z|x) || p(z)]`.

    Both terms are in nats, summed over event and latent dimensions: beta is 1 for the bound, and beta > 1 weighs the
    rate. In papers that average over dimensions the same number means another beta; see `normalized_beta`.

    Parameters
    ----------
    beta : float or Schedule
        The weight of the rate, at least 0. A schedule is read at the optimizer's step.
    kl : {"closed_form", "monte_carlo"}
        How the rate is computed: exactly, or as log q(z|x) - log p(z) at the samples that the decoder got. Never one
        in place of the other.
    free_bits : float
        The least nats that each latent dimension's rate, on the global batch's average, is charged with (Kingma et
        al. 2016, appendix C.8): below it, that dimension's rate is not pushed down. Needs a pair of
        `closed_form_kl_per_dimension` and the closed form. The logged kl_loss and elbo are those without free bits.
    num_samples : int
        Posterior samples for each example.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """

    def __init__(
        self,
        beta: float | Schedule = 1.0,
        *,
        kl: Literal["closed_form", "monte_carlo"] = "closed_form",
        free_bits: float = 0.0,
        num_samples: int = 1,
    ):
        if not isinstance(beta, Schedule):
            check_instance("beta", beta, numbers.Real, "a number or a `keras_vae.schedules.Schedule`")
            beta = check_number("beta", beta, minimum=0.0)
        self.beta = beta
        self.kl = check_choice("kl", kl, ("closed_form", "monte_carlo"))
        self.free_bits = check_number("free_bits", free_bits, minimum=0.0)
        if self.free_bits and kl != "closed_form":
            raise ValueError(
                '`free_bits` must be 0 with kl="monte_carlo": a joint sample has no rate per dimension. '
                f"Received: free_bits={free_bits!r}"
            )
        self.num_samples = check_integer("num_samples", num_samples, minimum=1)

    @property
    def is_scheduled(self) -> bool:
        """Whether beta depends on the step."""
        return isinstance(self.beta, Schedule)

    def __call__(self, record: Inference, *, step: int | tf.Tensor, training: bool) -> Terms:
        """Compute the terms."""
        reconstruction_loss = distortion(record)
        kl_loss = tf.add_n([self._rate(latent) for latent in record.latents])
        charged = kl_loss
        if self.free_bits:
            weight = record.batch.sample_weight
            charged = tf.add_n([self._rate_with_free_bits(latent, weight) for latent in record.latents])
        beta = tf.cast(self.beta(step), kl_loss.dtype) if isinstance(self.beta, Schedule) else self.beta
        return Terms(
            loss=reconstruction_loss + beta * charged + auxiliary_loss(record),
            logs={
                "reconstruction_loss": reconstruction_loss,
                "kl_loss": kl_loss,
                "elbo": -(reconstruction_loss + kl_loss),
                **({"beta": beta} if self.is_scheduled else {}),
                **record.auxiliary,
            },
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the objective."""
        return {
            "beta": serialize(self.beta),
            "kl": self.kl,
            "free_bits": self.free_bits,
            "num_samples": self.num_samples,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild the objective, and its schedule if it has one."""
        return cls(**{**config, "beta": deserialize(config["beta"])})

    def _rate(self, latent):
        if self.kl == "monte_carlo":
            return monte_carlo_kl(latent.posterior, latent.prior, latent.z)
        return _mean_over_samples(closed_form_kl(latent.posterior, latent.prior), rank=1)

    def _rate_with_free_bits(self, latent, sample_weight):
        """Charge each dimension max(free_bits, its mean rate over the global batch), as a vector over examples.

        Where the mean is below, each example is charged the constant, which has no gradient; elsewhere its own rate.
        The average over any split of the batch into replicas is the same, and so are the gradients.
        """
        rates = _mean_over_samples(closed_form_kl_per_dimension(latent.posterior, latent.prior), rank=2)
        if sample_weight is None:
            sample_weight = tf.ones_like(rates[:, 0])
        above = global_mean(rates, sample_weight) > self.free_bits
        return tf.reduce_sum(tf.where(above, rates, self.free_bits), axis=-1)


def _mean_over_samples(rates, rank):
    """Average away the samples' axis that a lower level of a hierarchy has: its rate depends on the samples above."""
    return tf.reduce_mean(rates, axis=0) if rates.shape.rank > rank else rates
