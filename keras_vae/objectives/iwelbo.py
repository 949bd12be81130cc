"""The importance-weighted bound."""

import math

import tensorflow as tf

from keras_vae.core import check_choice, check_integer, register
from keras_vae.objectives.objective import Objective
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
        "dreg" gives the encoder the doubly reparameterized gradient (Tucker et al. 2019, eq. 8), which is unbiased
        too and does not. It is for models of one latent whose prior does not depend on the encoder.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """

    def __init__(self, num_samples=50, *, gradient="plain"):
        self.num_samples = check_integer("num_samples", num_samples, minimum=1)
        self.gradient = check_choice("gradient", gradient, ("plain", "dreg"))

    @property
    def term_names(self):
        """The terms that are logged."""
        return ("loss", "reconstruction_loss", "kl_loss", "elbo", "iwelbo")

    @property
    def has_inference_loss(self):
        """Whether inference variables have a loss of their own."""
        return self.gradient == "dreg"

    def __call__(self, record, *, step, training):
        """Compute the terms."""
        log_likelihood = record.likelihood.log_prob(record.x)
        log_ratio = tf.add_n(
            [latent.posterior.log_prob(latent.z) - latent.prior.log_prob(latent.z) for latent in record.latents]
        )
        log_weight = log_likelihood - log_ratio
        iwelbo = tf.reduce_logsumexp(log_weight, axis=0) - math.log(self.num_samples)
        return Terms(
            loss=-iwelbo,
            reconstruction_loss=-tf.reduce_mean(log_likelihood, axis=0),
            kl_loss=tf.reduce_mean(log_ratio, axis=0),
            elbo=tf.reduce_mean(log_weight, axis=0),
            iwelbo=iwelbo,
            inference_loss=self._inference_loss(record, log_likelihood) if self.has_inference_loss else None,
        )

    def get_config(self):
        """Return the arguments that rebuild the objective."""
        return {"num_samples": self.num_samples, "gradient": self.gradient}

    def _inference_loss(self, record, log_likelihood):
        """Return the surrogate whose gradient by the encoder is the doubly reparameterized one."""
        if len(record.latents) != 1:
            raise ValueError(
                '`gradient` must be "plain" for a model of several latents. '
                f"Received: gradient='dreg' and {len(record.latents)} latents"
            )
        (latent,) = record.latents
        # The encoder shall act through the samples alone, not through the density at them.
        posterior = tf.nest.map_structure(tf.stop_gradient, latent.posterior, expand_composites=True)
        log_weight = log_likelihood + latent.prior.log_prob(latent.z) - posterior.log_prob(latent.z)
        weights = tf.stop_gradient(tf.nn.softmax(log_weight, axis=0))
        return -tf.reduce_sum(tf.square(weights) * log_weight, axis=0)
