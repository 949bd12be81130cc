"""The Gaussian posterior with correlations."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import keras_vae as kv
from tests import oracles

SEED = tf.constant([3, 1])


def random_parameters(size, batch=4, seed=0):
    posterior = kv.posteriors.FullCovarianceGaussian(size, dtype="float64")
    projected = np.random.default_rng(seed).normal(size=(batch, posterior.parameter_size))
    return posterior, posterior.split(tf.constant(projected)), projected


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_the_factor_is_lower_triangular_with_a_positive_diagonal(size):
    posterior, parameters, projected = random_parameters(size)
    assert posterior.parameter_size == size + size * (size + 1) // 2
    factor = parameters["scale_tril"].numpy()
    assert factor.shape == (4, size, size)
    np.testing.assert_array_equal(factor, np.tril(factor))
    diagonal = np.diagonal(factor, axis1=-2, axis2=-1)
    np.testing.assert_allclose(diagonal, np.exp(0.5 * projected[:, size : 2 * size]), rtol=1e-12)
    below = factor[:, *np.tril_indices(size, -1)]
    np.testing.assert_allclose(np.sort(below), np.sort(projected[:, 2 * size :]))  # every feature in one place


@pytest.mark.parametrize("size", [1, 3])
def test_the_distribution_is_scipys_multivariate_normal(size):
    posterior, parameters, _ = random_parameters(size)
    distribution = posterior.distribution(parameters)
    assert distribution.batch_shape == (4,) and distribution.event_shape == (size,)
    z = np.random.default_rng(1).normal(size=(4, size))
    for row in range(4):
        factor = parameters["scale_tril"][row].numpy()
        expected = scipy.stats.multivariate_normal(parameters["mean"][row].numpy(), factor @ factor.T).logpdf(z[row])
        np.testing.assert_allclose(distribution.log_prob(z)[row], expected, rtol=1e-10)


def test_samples_have_the_mean_and_the_covariance_of_the_distribution():
    posterior, parameters, _ = random_parameters(3)
    z = posterior.sample(parameters, 20_000, SEED).numpy()
    assert z.shape == (20_000, 4, 3)
    oracles.assert_mean_within_standard_errors(z, parameters["mean"])
    centred = z - parameters["mean"].numpy()
    products = centred[..., :, None] * centred[..., None, :]
    oracles.assert_mean_within_standard_errors(products, posterior.distribution(parameters).covariance())


def test_samples_are_a_pure_function_of_the_seed():
    posterior, parameters, _ = random_parameters(2)
    z = posterior.sample(parameters, 3, SEED).numpy()
    np.testing.assert_array_equal(z, posterior.sample(parameters, 3, SEED))
    assert not np.array_equal(z, posterior.sample(parameters, 3, SEED + 1))
    assert len(np.unique(z)) == z.size


def test_without_correlations_it_samples_as_the_factorized_gaussian_does():
    full, diagonal = (
        kind(2, dtype="float64") for kind in (kv.posteriors.FullCovarianceGaussian, kv.posteriors.DiagonalGaussian)
    )
    parameters = np.random.default_rng(0).normal(size=(4, 4))
    z = full.sample(full.split(tf.constant(np.pad(parameters, [(0, 0), (0, 1)]))), 6, SEED)
    np.testing.assert_allclose(z, diagonal.sample(diagonal.split(tf.constant(parameters)), 6, SEED), rtol=1e-12)


def test_gradients_reach_every_parameter():
    posterior = kv.posteriors.FullCovarianceGaussian(3, dtype="float64")
    projected = tf.constant(np.random.default_rng(0).normal(size=(1, posterior.parameter_size)))
    with tf.GradientTape() as tape:
        tape.watch(projected)
        parameters = posterior.split(projected)
        z = posterior.sample(parameters, 1, SEED)
        total = tf.reduce_sum(z)
    gradient = tape.gradient(total, projected).numpy()[0]
    eps = np.linalg.solve(parameters["scale_tril"][0], (z - parameters["mean"])[0, 0])
    np.testing.assert_allclose(gradient[:3], np.ones(3))  # dz/dmean
    diagonal = np.diag(parameters["scale_tril"][0])
    np.testing.assert_allclose(gradient[3:6], 0.5 * diagonal * eps, rtol=1e-10)  # dz_j/dlog_var_j
    np.testing.assert_allclose(np.sort(gradient[6:]), np.sort([eps[0], eps[0], eps[1]]), rtol=1e-10)  # dz_i/dL_ij


def test_it_compiles_with_xla_for_a_batch_whose_size_is_not_known():
    posterior = kv.posteriors.FullCovarianceGaussian(3, dtype="float64")
    posterior.build((None, 4))

    def rate(features):
        with tf.GradientTape() as tape:
            parameters = posterior(features)
            total = tf.reduce_sum(posterior.sample(parameters, 1, SEED) ** 2) + tf.reduce_sum(parameters["scale_tril"])
        return tape.gradient(total, posterior.projection.kernel)

    signature = [tf.TensorSpec([None, 4], tf.float64)]
    assert np.all(
        np.isfinite(tf.function(rate, jit_compile=True, input_signature=signature)(tf.ones([2, 4], "float64")))
    )


def test_log_var_is_clipped_to_its_range():
    posterior = kv.posteriors.FullCovarianceGaussian(2, log_var_range=(-6, 2))
    parameters = posterior.split(tf.constant([[0.0, 0.0, 50.0, -50.0, 0.1]]))
    np.testing.assert_allclose(np.diag(parameters["scale_tril"][0]), np.exp([1.0, -3.0]), rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: kv.posteriors.FullCovarianceGaussian(-1), r"`latent_dim` must be >= 1. Received: latent_dim=-1"),
        (lambda: kv.posteriors.FullCovarianceGaussian(2, log_var_range=1.0), r"`log_var_range` must be a pair"),
    ],
)
def test_arguments_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
