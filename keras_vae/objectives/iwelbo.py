"""The importance-weighted bound."""

from typing import Any, Literal

import tensorflow as tf

from keras_vae.core import Inference, check_choice, check_integer, register
from keras_vae.objectives.objective import Objective, auxiliary_loss
from keras_vae.objectives.terms import Terms


@register
class IWELBO(Objective):
    """Minimise -iwelbo, iwelbo = E[log 1/K sum_k w_k] with w_k = p(x|z_k) p(z_k) / q(z_k|x) (Burda et al. 2016, eq. 8).

    With one sample it is the elbo; it grows with the number of samples K and stays below log p(x). The logged elbo,
    kl_loss and reconstruction_loss are the plain means over the same samples.

    Parameters
    ----------
    num_samples : int
        K, at least 1.
    gradient : {"plain", "dreg"}
        "plain" differentiates the bound as it stands; the encoder's part of that gradient drowns in noise as K grows.
        "dreg" gives the encoder the doubly reparameterized gradient (Tucker et al. 2019, eq. 8), which is also unbiased
        and keeps its signal. With several latents each level's encoder gets its own (Bauer & Mnih 2021); of a prior
        that depends on the encoder, as `VampPrior` does, it gets the plain gradient as well. An encoder must share no
        weights with another level or with the decoder.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """

    def __init__(self, num_samples: int = 50, *, gradient: Literal["plain", "dreg"] = "plain"):
        self.num_samples = check_integer("num_samples", num_samples, minimum=1)
        self.gradient = check_choice("gradient", gradient, ("plain", "dreg"))

    @property
    def has_inference_losses(self) -> bool:
        """Whether each level's inference variables have a loss of their own."""
        return self.gradient == "dreg"

    def __call__(self, record: Inference, *, step: int | tf.Tensor, training: bool) -> Terms:
        """Compute the terms."""
        log_likelihood = record.log_likelihood
        log_priors = [latent.prior.log_prob(latent.z) for latent in record.latents]
        log_posteriors = [latent.posterior.log_prob(latent.z) for latent in record.latents]
        log_ratio = tf.add_n(log_posteriors) - tf.add_n(log_priors)
        log_weight = log_likelihood - log_ratio
        count = tf.cast(tf.shape(log_weight)[0], log_weight.dtype)  # K, or what `score` is asked for
        iwelbo = tf.reduce_logsumexp(log_weight, axis=0) - tf.math.log(count)
        losses = None
        if self.has_inference_losses:
            losses = _inference_losses(record.latents, log_likelihood, log_priors, log_posteriors)
            losses = tuple(loss + auxiliary_loss(record) for loss in losses)
        return Terms(
            loss=auxiliary_loss(record) - iwelbo,
            logs={
                "reconstruction_loss": -tf.reduce_mean(log_likelihood, axis=0),
                "kl_loss": tf.reduce_mean(log_ratio, axis=0),
                "elbo": tf.reduce_mean(log_weight, axis=0),
                "iwelbo": iwelbo,
                **record.auxiliary,
            },
            inference_losses=losses,
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the objective."""
        return {"num_samples": self.num_samples, "gradient": self.gradient}


def _inference_losses(latents, log_likelihood, log_priors, log_posteriors):
    """Return for each latent the surrogate whose gradient by its encoder is the doubly reparameterized one.

    By z alone, sample k of the bound has the weight w_k / sum w; what an encoder does through its samples, its density
    at them left out, counts with the square of it. An encoder above acts on the densities below through its samples,
    so one level's density is left out at a time.
    """
    log_joint = log_likelihood + tf.add_n(log_priors)
    weights = tf.stop_gradient(tf.nn.softmax(log_joint - tf.add_n(log_posteriors), axis=0))
    losses = []
    for level, latent in enumerate(latents):
        fixed = tf.nest.map_structure(tf.stop_gradient, latent.posterior, expand_composites=True)
        others = [log_posterior for other, log_posterior in enumerate(log_posteriors) if other != level]
        log_weight = log_joint - tf.add_n([fixed.log_prob(latent.z), *others])
        losses.append(-tf.reduce_sum(tf.square(weights) * log_weight, axis=0))
    # The top prior alone may depend on an encoder other than through samples: there weights count as they are.
    log_prior = latents[-1].prior.log_prob(tf.stop_gradient(latents[-1].z))
    losses[-1] -= tf.reduce_sum((weights - tf.square(weights)) * log_prior, axis=0)
    return tuple(losses)
