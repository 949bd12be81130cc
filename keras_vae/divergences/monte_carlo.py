"""The KL divergence by Monte Carlo."""

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import as_seed, check_integer, resolve_seed


def monte_carlo_kl(
    posterior: tfp.distributions.Distribution,
    prior: tfp.distributions.Distribution,
    z: tf.Tensor | None = None,
    *,
    num_samples: int = 1,
    seed: int | tf.Tensor | None = None,
) -> tf.Tensor:
    """Estimate KL[q(z|x) || p(z)] = E_q[log q(z|x) - log p(z)] with the log-probabilities of `tfp.distributions`.

    The estimate is unbiased, and works for any pair that has densities. Gradients flow through reparameterized
    samples and through the parameters of both densities.

    Parameters
    ----------
    posterior : tfp.distributions.Distribution
        q(z|x), of batch shape (batch,) and event shape (latent_dim,).
    prior : tfp.distributions.Distribution
        p(z), of event shape (latent_dim,).
    z : tf.Tensor, optional
        Shape (num_samples, batch, latent_dim): samples of the posterior, such as those of an `Inference`. By default
        they are drawn here.
    num_samples : int
        How many samples to draw if there are none.
    seed : int or tensor of shape (2,), optional
        Seed of the samples drawn here.

    Returns
    -------
    tf.Tensor
        Shape (batch,), in nats: the mean over samples.

    Raises
    ------
    ValueError
        If `num_samples` < 1.
    """
    return tf.reduce_mean(log_ratio(posterior, prior, z, num_samples=num_samples, seed=seed), axis=0)


def log_ratio(posterior, prior, z=None, *, num_samples=1, seed=None):
    """Return log q(z|x) - log p(z) sample by sample.

    Parameters
    ----------
    posterior, prior, z, num_samples, seed
        As in `monte_carlo_kl`.

    Returns
    -------
    tf.Tensor
        Shape (num_samples, batch), in nats.
    """
    if z is None:
        check_integer("num_samples", num_samples, minimum=1)
        seed = as_seed(resolve_seed(seed)) if seed is None or isinstance(seed, int) else as_seed(seed)
        z = posterior.sample(num_samples, seed=seed)
    return posterior.log_prob(z) - prior.log_prob(z)
