"""The densities of a model at any z, for models of one level and of several."""

import tensorflow as tf

from keras_vae.core import fold_in


class Joint:
    """log p(z), log p(x|z) and samples of p(z), for latents that are a tuple of tensors, bottom-up.

    Parameters
    ----------
    vae : keras_vae.models.LatentVariableModel
        A model with one prior, or with a prior for each level.
    """

    def __init__(self, vae):
        self.vae = vae
        self.is_hierarchy = hasattr(vae, "priors")
        self.priors = list(vae.priors) if self.is_hierarchy else [vae.prior]

    def top_prior(self):
        """Build the prior of the top level; where that is costly, once for many uses.

        Returns
        -------
        tfp.distributions.Distribution
        """
        return self.priors[-1].distribution(posterior_of=self.vae.posterior_of)

    def sample_prior(self, num_samples, seed):
        """Draw from p(z), level by level.

        Parameters
        ----------
        num_samples : int
            How many.
        seed : tf.Tensor
            Shape (2,).

        Returns
        -------
        tuple of tf.Tensor
            Shapes (num_samples, latent_dim of each level).
        """
        top = len(self.priors) - 1
        z = [self.priors[top].sample(num_samples, seed=fold_in(seed, top), posterior_of=self.vae.posterior_of)]
        for level in reversed(range(top)):
            z.insert(0, self.priors[level].distribution(condition=z[0]).sample(seed=fold_in(seed, level)))
        return tuple(z)

    def log_prior(self, z, top_prior):
        """Return log p(z).

        Parameters
        ----------
        z : sequence of tf.Tensor
            Shapes (..., latent_dim of each level).
        top_prior : tfp.distributions.Distribution
            What `top_prior` returned.

        Returns
        -------
        tf.Tensor
            Shape (...), in nats.
        """
        terms = [top_prior.log_prob(z[-1])]
        for level in range(len(z) - 1):
            terms.append(self.priors[level].distribution(condition=z[level + 1]).log_prob(z[level]))
        return tf.add_n(terms)

    def parameters(self, z):
        """Decode samples, folded into one batch for the decoder.

        Parameters
        ----------
        z : sequence of tf.Tensor
            Shapes (..., latent_dim of each level).

        Returns
        -------
        dict of tf.Tensor
            The likelihood's parameters, of shape (..., *event_shape), or scalars that all examples share.
        """
        folded = [tf.reshape(part, [-1, part.shape[-1]]) for part in z]
        parameters = self.vae.likelihood(self.vae.decoder(folded if self.is_hierarchy else folded[0], training=False))
        leading = tf.shape(z[0])[:-1]
        return {
            name: value if value.shape.rank == 0 else tf.reshape(value, tf.concat([leading, tf.shape(value)[1:]], 0))
            for name, value in parameters.items()
        }

    def log_likelihood(self, x, parameters):
        """Return log p(x|z).

        Parameters
        ----------
        x : tf.Tensor
            Shape (batch, *x_shape).
        parameters : dict of tf.Tensor
            What `parameters` returned, with leading axes that broadcast with (batch,).

        Returns
        -------
        tf.Tensor
            Of the leading axes, in nats.
        """
        likelihood = self.vae.likelihood
        return likelihood.distribution(parameters).log_prob(likelihood.observe(x))


def log_weights(record, top_prior):
    """Return log p(x, z) - log q(z|x) of each sample of a record (Burda et al. 2016, eq. 8).

    Parameters
    ----------
    record : keras_vae.core.Inference
        What `infer` returned.
    top_prior : tfp.distributions.Distribution
        The prior of the top level.

    Returns
    -------
    tf.Tensor
        Shape (num_samples, batch), in nats.
    """
    # A prior made of posteriors is built once outside; the record's own is then left out of the graph.
    priors = [latent.prior for latent in record.latents[:-1]] + [top_prior]
    terms = [record.likelihood.log_prob(record.x)]
    for latent, prior in zip(record.latents, priors, strict=True):
        terms.append(prior.log_prob(latent.z) - latent.posterior.log_prob(latent.z))
    return tf.add_n(terms)
