"""The record that a model makes of one pass from x to p(x|z), and that an objective reads."""

from typing import Any, NamedTuple

import tensorflow as tf

from keras_vae.core.batch import Batch


class Latent(NamedTuple):
    """A latent variable: its samples, where they came from and where the model says they should come from.

    Attributes
    ----------
    z : tf.Tensor
        Shape (num_samples, batch, *latent_shape): samples of q(z|x); the samples' axis is there for one sample too.
    posterior : tfp.distributions.Distribution
        q(z|x), of batch shape (batch,), or (num_samples, batch) where it depends on samples of the level above.
    prior : tfp.distributions.Distribution
        p(z), of batch shape (), (batch,) or (num_samples, batch).
    """

    z: tf.Tensor
    posterior: Any
    prior: Any


class Inference(NamedTuple):
    """One pass through a latent-variable model.

    Attributes
    ----------
    batch : Batch
        What the model was given, as tensors: x, condition, mask, target, sample_weight.
    parameters : dict of tf.Tensor
        The parameters of p(x|z), with the leading axes (num_samples, batch), or scalars that all examples share.
    likelihood : tfp.distributions.Distribution
        p(x|z), of batch shape (num_samples, batch).
    log_likelihood : tf.Tensor
        Shape (num_samples, batch), in nats: log p(x|z) of the target, or of x where there is none; of what is observed
        where there is a mask.
    latents : tuple of Latent
        Bottom-up; one for a flat VAE.
    auxiliary : dict of tf.Tensor
        Further terms of shape (batch,) that parts contribute, by name: objectives add them to the loss and log them.
    """

    batch: Batch
    parameters: dict
    likelihood: Any
    log_likelihood: tf.Tensor
    latents: tuple[Latent, ...]
    auxiliary: dict = {}

    def log_weights(self, top_prior: Any = None) -> tf.Tensor:
        """Return log p(x, z) - log q(z|x) of each sample (Burda et al. 2016, eq. 8); of what is observed of x.

        Parameters
        ----------
        top_prior : tfp.distributions.Distribution, optional
            The prior of the top level, where it was built before: one made of posteriors is costly.

        Returns
        -------
        tf.Tensor
            Shape (num_samples, batch), in nats.
        """
        priors = [latent.prior for latent in self.latents]
        if top_prior:
            priors[-1] = top_prior
        terms = [self.log_likelihood]
        for latent, prior in zip(self.latents, priors, strict=True):
            terms.append(prior.log_prob(latent.z) - latent.posterior.log_prob(latent.z))
        return tf.add_n(terms)
