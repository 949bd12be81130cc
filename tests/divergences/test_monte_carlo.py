"""Monte Carlo against the closed form, within standard errors."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import keras_vae as kv
from keras_vae.divergences import closed_form_kl, monte_carlo_kl
from tests import oracles

tfd = tfp.distributions
COPIES = 20_000


def copies(latent_kind, seed):
    """Many copies of one posterior, a prior, and the exact divergence of the two."""
    generator = np.random.default_rng(seed)
    mean, covariance = generator.normal(size=3), oracles.random_covariance(generator, 3)
    prior = tfd.Independent(tfd.Normal(np.float64([0.5, 0.0, -0.5]), np.float64([1.0, 0.6, 2.0])), 1)
    if latent_kind == "diagonal":
        covariance = np.diag(np.diag(covariance))
    means = np.tile(mean, (COPIES, 1))
    if latent_kind == "diagonal":
        posterior = tfd.Independent(tfd.Normal(means, np.sqrt(np.diag(covariance))), 1)
    else:
        posterior = tfd.MultivariateNormalTriL(means, np.linalg.cholesky(covariance))
    exact = oracles.gaussian_kl(mean, covariance, [0.5, 0.0, -0.5], np.diag([1.0, 0.36, 4.0]))
    return posterior, prior, exact


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["diagonal", "full"])
def test_single_samples_are_unbiased(kind, seed):
    posterior, prior, exact = copies(kind, seed)
    estimates = monte_carlo_kl(posterior, prior, seed=seed)
    assert estimates.shape == (COPIES,)
    oracles.assert_mean_within_standard_errors(estimates, exact)


def test_more_samples_lower_the_variance_as_one_over_their_number():
    posterior, prior, exact = copies("full", 0)
    one, eight = (monte_carlo_kl(posterior, prior, num_samples=n, seed=1).numpy() for n in (1, 8))
    oracles.assert_mean_within_standard_errors(eight, exact)
    # The relative standard error of a variance of n draws is about sqrt(2 / n) for light tails, 1 % here.
    assert one.var() / eight.var() == pytest.approx(8.0, rel=0.1)


def test_given_samples_are_used_and_no_others():
    posterior = tfd.Independent(tfd.Normal(np.float64([[0.0, 1.0]]), np.float64([[1.0, 0.5]])), 1)
    prior = tfd.Independent(tfd.Normal(np.zeros(2), np.ones(2)), 1)
    z = np.float64([[[0.3, 1.2]], [[-1.0, 0.4]]])

    def log_normal(z, mean, scale):
        return np.sum(-0.5 * ((z - mean) / scale) ** 2 - np.log(scale) - 0.5 * np.log(2 * np.pi), axis=-1)

    expected = np.mean(log_normal(z, np.array([0.0, 1.0]), np.array([1.0, 0.5])) - log_normal(z, 0.0, 1.0), axis=0)
    np.testing.assert_allclose(monte_carlo_kl(posterior, prior, z), expected, rtol=1e-12)


def test_a_mixture_without_a_closed_form_is_estimated():
    # Both components are the posterior itself, so the divergence is zero.
    posterior = tfd.Independent(tfd.Normal(np.zeros((500, 2)), np.ones(2)), 1)
    mixture = tfd.MixtureSameFamily(
        tfd.Categorical(np.zeros(2)), tfd.Independent(tfd.Normal(np.zeros((2, 2)), np.ones((2, 2))), 1)
    )
    np.testing.assert_allclose(monte_carlo_kl(posterior, mixture, seed=0), np.zeros(500), atol=1e-12)


def test_one_seed_gives_one_estimate_and_another_seed_another():
    posterior = tfd.Independent(tfd.Normal(np.zeros((3, 2)), 0.5 * np.ones(2)), 1)
    prior = tfd.Independent(tfd.Normal(np.zeros(2), np.ones(2)), 1)
    first, again, other, fresh = (
        monte_carlo_kl(posterior, prior, seed=seed).numpy() for seed in (1, 1, 2, tf.constant([1, 5]))
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, fresh)
    assert not np.array_equal(monte_carlo_kl(posterior, prior), monte_carlo_kl(posterior, prior))


def test_no_samples_are_refused():
    posterior = tfd.Independent(tfd.Normal(np.zeros((3, 2)), np.ones(2)), 1)
    with pytest.raises(ValueError, match=r"`num_samples` must be >= 1. Received: num_samples=0"):
        monte_carlo_kl(posterior, posterior, num_samples=0)


@pytest.mark.parametrize("kind", [kv.posteriors.DiagonalGaussian, kv.posteriors.FullCovarianceGaussian])
def test_gradients_are_those_of_the_closed_form_in_expectation(kind):
    layer = kind(2, dtype="float64")
    prior = tfd.Independent(tfd.Normal(np.zeros(2), np.ones(2)), 1)
    row = np.random.default_rng(3).normal(size=layer.parameter_size)
    projected = tf.constant(np.tile(row, (COPIES, 1)))

    def gradient(rate):
        with tf.GradientTape() as tape:
            tape.watch(projected)
            value = tf.reduce_sum(rate(layer.split(projected)))
        return tape.gradient(value, projected).numpy()

    def sampled(parameters):
        z = layer.sample(parameters, 1, tf.constant([4, 2]))
        return monte_carlo_kl(layer.distribution(parameters), prior, z)

    exact = gradient(lambda parameters: closed_form_kl(layer.distribution(parameters), prior))
    np.testing.assert_allclose(exact[:, :2], np.tile(row[:2], (COPIES, 1)), rtol=1e-10)  # dKL/dmean = mean
    oracles.assert_mean_within_standard_errors(gradient(sampled), exact[0])
