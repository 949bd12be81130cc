"""The KL divergence in closed form, for the pairs that have one."""

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.divergences.gaussian import cholesky_kl

tfd = tfp.distributions


def closed_form_kl(posterior: tfp.distributions.Distribution, prior: tfp.distributions.Distribution) -> tf.Tensor:
    """Return KL[q(z|x) || p(z)] in closed form, and never anything else in its place.

    Factorized Gaussians (Kingma & Welling 2014, appendix B), Gaussians with full covariance (`gaussian_kl`) and any mix
    of the two are computed here; other pairs as TFP has them registered.

    Parameters
    ----------
    posterior : tfp.distributions.Distribution
        q(z|x), of batch shape (batch,) and event shape (latent_dim,).
    prior : tfp.distributions.Distribution
        p(z), of event shape (latent_dim,).

    Returns
    -------
    tf.Tensor
        Shape (batch,), in nats.

    Raises
    ------
    NotImplementedError
        If there is no closed form for the pair; the message names both types and the remedy.
    """
    if _is_factorized_gaussian(posterior) and _is_factorized_gaussian(prior):
        return tf.reduce_sum(closed_form_kl_per_dimension(posterior, prior), axis=-1)
    if _is_gaussian(posterior) and _is_gaussian(prior):
        return cholesky_kl(*_mean_and_factor(posterior), *_mean_and_factor(prior))
    # TFP answers for a point mass too, with -log p(loc), which is not a divergence.
    if not any(isinstance(_base(part), (tfd.Deterministic, tfd.VectorDeterministic)) for part in (posterior, prior)):
        try:
            return tfd.kl_divergence(posterior, prior)
        except NotImplementedError:
            pass
    raise NotImplementedError(
        f"There is no closed form for the KL divergence of {_name(posterior)} and {_name(prior)}. {_remedy(posterior)}"
    )


def closed_form_kl_per_dimension(
    posterior: tfp.distributions.Distribution, prior: tfp.distributions.Distribution
) -> tf.Tensor:
    """Return the KL divergence of factorized Gaussians, dimension by dimension.

    `KL_j = 1/2 [(s_j^2 + (m_j - m'_j)^2) / s'_j^2 - 1] + log(s'_j / s_j)`

    Parameters
    ----------
    posterior, prior : tfp.distributions.Distribution
        `Independent(Normal(m, s))` and `Independent(Normal(m', s'))`.

    Returns
    -------
    tf.Tensor
        Shape (batch, latent_dim), in nats.

    Raises
    ------
    NotImplementedError
        If one of the two is not a factorized Gaussian.
    """
    for distribution in (posterior, prior):
        if not _is_factorized_gaussian(distribution):
            raise NotImplementedError(
                "The KL divergence splits into latent dimensions only for factorized Gaussians "
                f"(Independent(Normal)). Received: {_name(posterior)} and {_name(prior)}"
            )
    mean_1, scale_1 = posterior.distribution.loc, posterior.distribution.scale
    mean_2, scale_2 = prior.distribution.loc, prior.distribution.scale
    squares = tf.square(scale_1 / scale_2) + tf.square((mean_1 - mean_2) / scale_2)
    return 0.5 * (squares - 1.0) + tf.math.log(scale_2) - tf.math.log(scale_1)


def _is_factorized_gaussian(distribution):
    return (
        isinstance(distribution, tfd.Independent)
        and isinstance(distribution.distribution, tfd.Normal)
        and distribution.event_shape.rank == 1
    )


def _is_gaussian(distribution):
    return _is_factorized_gaussian(distribution) or isinstance(
        distribution, (tfd.MultivariateNormalTriL, tfd.MultivariateNormalDiag)
    )


def _mean_and_factor(distribution):
    if _is_factorized_gaussian(distribution):
        return distribution.mean(), tf.linalg.diag(distribution.stddev())
    return distribution.mean(), distribution.scale.to_dense()


def _base(distribution):
    return distribution.distribution if isinstance(distribution, tfd.Independent) else distribution


def _name(distribution):
    base = _base(distribution)
    name = type(base).__name__
    return name if base is distribution else f"Independent({name})"


def _remedy(posterior):
    if isinstance(_base(posterior), (tfd.Deterministic, tfd.VectorDeterministic)):
        return "A deterministic code has no density: take the objective `Reconstruction()`."
    return 'Ask for Monte Carlo: `ELBO(kl="monte_carlo")` or `monte_carlo_kl`.'
