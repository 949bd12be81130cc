"""The closed form against NumPy, against numerical integration, and where there is none."""

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

import keras_vae as kv
from keras_vae.divergences import closed_form_kl, closed_form_kl_per_dimension
from tests import oracles

tfd = tfp.distributions


def factorized(mean, scale):
    return tfd.Independent(tfd.Normal(np.asarray(mean, np.float64), np.asarray(scale, np.float64)), 1)


def correlated(mean, covariance):
    return tfd.MultivariateNormalTriL(np.asarray(mean, np.float64), np.linalg.cholesky(covariance))


def laplace(mean, scale):
    return tfd.Independent(tfd.Laplace(np.asarray(mean, np.float64), np.asarray(scale, np.float64)), 1)


def draw(seed, batch=4, size=3):
    generator = np.random.default_rng(seed)
    mean, scale = generator.normal(size=(batch, size)), np.exp(generator.normal(size=(batch, size)))
    return mean, scale, oracles.random_covariance(generator, batch, size)


@pytest.mark.parametrize("seed", range(3))
def test_factorized_gaussian_against_standard_normal_equals_the_formula_of_appendix_b(seed):
    mean, scale, _ = draw(seed)
    prior = kv.priors.StandardNormal(dtype="float64")
    prior.build((None, 3))
    kl = closed_form_kl(factorized(mean, scale), prior.distribution())
    expected = -0.5 * np.sum(1 + np.log(scale**2) - mean**2 - scale**2, axis=-1)
    np.testing.assert_allclose(kl, expected, rtol=1e-12)


@pytest.mark.parametrize(("mean_1", "scale_1", "mean_2", "scale_2"), [(0.7, 0.4, 0.0, 1.0), (-1.2, 1.9, 0.5, 0.8)])
def test_one_dimension_equals_the_integral(mean_1, scale_1, mean_2, scale_2):
    q, p = scipy.stats.norm(mean_1, scale_1), scipy.stats.norm(mean_2, scale_2)
    integral, _ = scipy.integrate.quad(
        lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), mean_1 - 12 * scale_1, mean_1 + 12 * scale_1, epsabs=1e-12
    )
    kl = closed_form_kl(factorized([[mean_1]], [[scale_1]]), factorized([mean_2], [scale_2]))
    np.testing.assert_allclose(kl, [integral], rtol=1e-9)


KINDS = {"gaussian": (factorized, scipy.stats.norm), "laplace": (laplace, scipy.stats.laplace)}


@pytest.mark.parametrize("prior", KINDS)
@pytest.mark.parametrize("parameters", [(0.7, 0.4, 0.0, 1.0), (-1.2, 1.9, 0.5, 0.8), (0.3, 0.01, 0.3, 2.0)])
def test_a_laplace_distribution_in_one_dimension_equals_the_integral(prior, parameters):
    mean_1, scale_1, mean_2, scale_2 = parameters
    make, oracle = KINDS[prior]
    q, p = scipy.stats.laplace(mean_1, scale_1), oracle(mean_2, scale_2)
    ends = (mean_1 - 40 * scale_1, mean_1 + 40 * scale_1)
    points = [point for point in {mean_1, mean_2} if ends[0] < point < ends[1]]
    integral, _ = scipy.integrate.quad(
        lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), *ends, points=points, epsabs=1e-12, limit=200
    )
    kl = closed_form_kl(laplace([[mean_1]], [[scale_1]]), make([mean_2], [scale_2]))
    np.testing.assert_allclose(kl, [integral], rtol=1e-9)


@pytest.mark.parametrize("prior", KINDS)
def test_laplace_distributions_agree_with_monte_carlo_and_sum_over_dimensions(prior):
    mean, scale, _ = draw(0)
    posterior, prior = laplace(mean, scale), KINDS[prior][0]([0.1, 0.2, 0.3], [0.5, 1.0, 2.0])
    check = kv.divergences.cross_check(posterior, prior, num_samples=20_000, seed=0)
    assert np.all(np.abs(check.difference) < 4 * check.standard_error)
    rates = closed_form_kl_per_dimension(posterior, prior)
    assert rates.shape == (4, 3)
    np.testing.assert_allclose(tf.reduce_sum(rates, axis=-1), check.closed_form, rtol=1e-12)


def test_laplace_distributions_agree_with_tfp():
    mean, scale, _ = draw(0)
    posterior, prior = laplace(mean, scale), laplace(mean[0], scale[1])
    np.testing.assert_allclose(closed_form_kl(posterior, prior), tfd.kl_divergence(posterior, prior), rtol=1e-12)


def test_a_gaussian_posterior_has_no_closed_form_with_a_laplace_prior():
    mean, scale, _ = draw(0)
    with pytest.raises(NotImplementedError, match=r"Independent\(Normal\) and Independent\(Laplace\)"):
        closed_form_kl(factorized(mean, scale), laplace(mean[0], scale[0]))
    with pytest.raises(NotImplementedError, match=r"Received: Independent\(Normal\) and Independent\(Laplace\)"):
        closed_form_kl_per_dimension(factorized(mean, scale), laplace(mean[0], scale[0]))


@pytest.mark.parametrize("seed", range(3))
def test_full_covariance_against_standard_normal_equals_numpy(seed):
    mean, _, covariance = draw(seed)
    prior = kv.priors.StandardNormal(dtype="float64")
    prior.build((None, 3))
    kl = closed_form_kl(correlated(mean, covariance), prior.distribution())
    np.testing.assert_allclose(kl, oracles.gaussian_kl(mean, covariance, np.zeros(3), np.eye(3)), rtol=1e-11)


def gaussians(seed):
    """The same batch of means in each of the forms that a Gaussian may have, with its covariance."""
    mean, scale, covariance = draw(seed)
    diagonal = scale[..., None] ** 2 * np.eye(3)
    return {
        "independent": (factorized(mean, scale), mean, diagonal),
        "diagonal": (tfd.MultivariateNormalDiag(mean, scale), mean, diagonal),
        "triangular": (correlated(mean, covariance), mean, covariance),
    }


@pytest.mark.parametrize("form_1", ["independent", "diagonal", "triangular"])
@pytest.mark.parametrize("form_2", ["independent", "diagonal", "triangular"])
def test_every_pair_of_gaussian_forms_equals_numpy_and_gaussian_kl(form_1, form_2):
    posterior, mean_1, covariance_1 = gaussians(1)[form_1]
    prior, mean_2, covariance_2 = gaussians(2)[form_2]
    kl = closed_form_kl(posterior, prior)
    assert kl.shape == (4,)
    np.testing.assert_allclose(kl, oracles.gaussian_kl(mean_1, covariance_1, mean_2, covariance_2), rtol=1e-11)
    np.testing.assert_allclose(kl, kv.divergences.gaussian_kl(mean_1, covariance_1, mean_2, covariance_2), rtol=1e-11)


def test_rates_of_the_dimensions_sum_to_the_whole_and_are_those_of_single_dimensions():
    mean, scale, _ = draw(0)
    posterior, prior = factorized(mean, scale), factorized([0.1, 0.2, 0.3], [0.5, 1.0, 2.0])
    rates = closed_form_kl_per_dimension(posterior, prior)
    assert rates.shape == (4, 3)
    np.testing.assert_allclose(tf.reduce_sum(rates, axis=-1), closed_form_kl(posterior, prior), rtol=1e-12)
    alone = closed_form_kl(factorized(mean[:, 1:2], scale[:, 1:2]), factorized([0.2], [1.0]))
    np.testing.assert_allclose(rates[:, 1], alone, rtol=1e-12)


def test_a_pair_that_tfp_has_registered_equals_the_integral():
    q, p = scipy.stats.gamma(3.0, scale=1 / 2.0), scipy.stats.gamma(1.5, scale=1 / 0.7)
    integral, _ = scipy.integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), 0, 40, epsabs=1e-12)
    kl = closed_form_kl(
        tfd.Independent(tfd.Gamma(np.float64([[3.0]]), np.float64(2.0)), 1),
        tfd.Independent(tfd.Gamma(np.float64([1.5]), np.float64(0.7)), 1),
    )
    np.testing.assert_allclose(kl, [integral], rtol=1e-8)


def test_a_pair_without_a_closed_form_is_refused_with_both_types_and_the_remedy():
    mixture = tfd.MixtureSameFamily(tfd.Categorical(np.zeros(2)), factorized(np.zeros((2, 3)), np.ones((2, 3))))
    mean, scale, _ = draw(0)
    message = r'Independent\(Normal\) and MixtureSameFamily.*ELBO\(kl="monte_carlo"\)'
    with pytest.raises(NotImplementedError, match=message):
        closed_form_kl(factorized(mean, scale), mixture)


def test_a_deterministic_code_is_refused_although_tfp_would_answer():
    posterior = kv.posteriors.Deterministic(2)
    distribution = posterior.distribution(posterior(tf.ones([3, 4])))
    prior = factorized(np.zeros(2), np.ones(2))
    with pytest.raises(NotImplementedError, match=r"Independent\(Deterministic\).*use the objective `Reconstruction"):
        closed_form_kl(distribution, prior)
    with pytest.raises(NotImplementedError, match=r"VectorDeterministic.*Reconstruction"):
        closed_form_kl(tfd.VectorDeterministic(np.zeros((3, 2))), prior)


def test_a_correlated_gaussian_has_no_rates_of_dimensions():
    mean, _, covariance = draw(0)
    with pytest.raises(NotImplementedError, match=r"only for factorized Gaussians.*MultivariateNormalTriL"):
        closed_form_kl_per_dimension(correlated(mean, covariance), factorized(np.zeros(3), np.ones(3)))
