"""The KL divergence in closed form, for the pairs that have one."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.divergences.gaussian import cholesky_kl

tfd = tfp.distributions


def closed_form_kl(posterior: tfp.distributions.Distribution, prior: tfp.distributions.Distribution) -> tf.Tensor:
    """Return KL[q(z|x) || p(z)] in closed form, and never an estimate in its place.

    The pairs of `closed_form_kl_per_dimension`, Gaussians with full covariance (`gaussian_kl`) and any mix of Gaussians
    of both kinds are computed here; other pairs as TFP has them registered.

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
    if _rates_of(posterior, prior) is not None:
        return tf.reduce_sum(closed_form_kl_per_dimension(posterior, prior), axis=-1)
    if _is_gaussian(posterior) and _is_gaussian(prior):
        return cholesky_kl(*_mean_and_factor(posterior), *_mean_and_factor(prior))
    # TFP returns -log p(loc) for a point mass, which is not a divergence.
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
    """Return the KL divergence of factorized distributions, dimension by dimension.

    With d_j = m_j - m'_j:

    - of Gaussians (Kingma & Welling 2014, appendix B)
      `KL_j = 1/2 [(s_j^2 + d_j^2) / s'_j^2 - 1] + log(s'_j / s_j)`;
    - of a Laplace distribution and a Gaussian, from the entropy 1 + log(2 s_j) and the variance 2 s_j^2 of the former,
      `KL_j = 1/2 [(2 s_j^2 + d_j^2) / s'_j^2 + log(pi / 2)] - 1 + log(s'_j / s_j)`;
    - of Laplace distributions (Gil, Alajaji & Linder 2013)
      `KL_j = |d_j| / s'_j + s_j / s'_j exp(-|d_j| / s_j) - 1 + log(s'_j / s_j)`.

    Parameters
    ----------
    posterior, prior : tfp.distributions.Distribution
        `Independent(Normal(m, s))` or `Independent(Laplace(m, s))`, and likewise m', s'.

    Returns
    -------
    tf.Tensor
        Shape (batch, latent_dim), in nats.

    Raises
    ------
    NotImplementedError
        If the pair is none of these.
    """
    rates = _rates_of(posterior, prior)
    if rates is None:
        raise NotImplementedError(
            "The KL divergence splits into latent dimensions only for factorized Gaussians (Independent(Normal)) and "
            "for Independent(Laplace) with a prior of either kind. "
            f"Received: {_name(posterior)} and {_name(prior)}"
        )
    mean_1, scale_1 = posterior.distribution.loc, posterior.distribution.scale
    mean_2, scale_2 = prior.distribution.loc, prior.distribution.scale
    return rates((mean_1 - mean_2) / scale_2, scale_1 / scale_2) + tf.math.log(scale_2) - tf.math.log(scale_1)


def _rates_of(posterior, prior):
    """Return what the rate of each dimension is, less log(s' / s), as a function of d / s' and s / s'; or None."""
    for (kind_1, kind_2), rates in _RATES.items():
        if _is_factorized(posterior, kind_1) and _is_factorized(prior, kind_2):
            return rates
    return None


def _rates_of_gaussians(distance, ratio):
    return 0.5 * (tf.square(ratio) + tf.square(distance) - 1.0)


def _rates_of_laplace_and_gaussian(distance, ratio):
    return tf.square(ratio) + 0.5 * tf.square(distance) + (0.5 * math.log(0.5 * math.pi) - 1.0)


def _rates_of_laplaces(distance, ratio):
    return tf.abs(distance) + ratio * tf.exp(-tf.abs(distance) / ratio) - 1.0


_RATES = {
    (tfd.Normal, tfd.Normal): _rates_of_gaussians,
    (tfd.Laplace, tfd.Normal): _rates_of_laplace_and_gaussian,
    (tfd.Laplace, tfd.Laplace): _rates_of_laplaces,
}


def _is_factorized(distribution, kind):
    return (
        isinstance(distribution, tfd.Independent)
        and isinstance(distribution.distribution, kind)
        and distribution.event_shape.rank == 1
    )


def _is_gaussian(distribution):
    return _is_factorized(distribution, tfd.Normal) or isinstance(
        distribution, (tfd.MultivariateNormalTriL, tfd.MultivariateNormalDiag)
    )


def _mean_and_factor(distribution):
    if _is_factorized(distribution, tfd.Normal):
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
        return "A deterministic code has no density: use the objective `Reconstruction()`."
    return 'Use Monte Carlo: `ELBO(kl="monte_carlo")` or `monte_carlo_kl`.'
