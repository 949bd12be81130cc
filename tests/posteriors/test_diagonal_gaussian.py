"""The factorized Gaussian posterior."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import keras_vae as kv
from tests import oracles

SEED = tf.constant([3, 1])


def parameters_of(posterior, batch=4, features=6, seed=0):
    x = np.random.default_rng(seed).normal(size=(batch, features)).astype(posterior.variable_dtype)
    return posterior(tf.constant(x)), x


def test_parameters_are_an_affine_map_of_the_features():
    posterior = kv.posteriors.DiagonalGaussian(3)
    parameters, x = parameters_of(posterior)
    kernel, bias = posterior.get_weights()
    projected = x @ kernel + bias
    np.testing.assert_allclose(parameters["mean"], projected[:, :3], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(parameters["log_var"], projected[:, 3:], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4)])
def test_features_of_any_rank_are_flattened(shape):
    posterior = kv.posteriors.DiagonalGaussian(2)
    features = np.random.default_rng(0).normal(size=(4, *shape)).astype("float32")
    parameters = posterior(features)
    kernel, bias = posterior.get_weights()
    np.testing.assert_allclose(
        parameters["mean"], (features.reshape(4, -1) @ kernel + bias)[:, :2], rtol=1e-4, atol=1e-5
    )


def test_the_distribution_is_scipys_normal():
    posterior = kv.posteriors.DiagonalGaussian(3, dtype="float64")
    parameters, _ = parameters_of(posterior)
    distribution = posterior.distribution(parameters)
    assert distribution.batch_shape == (4,) and distribution.event_shape == (3,)
    z = np.random.default_rng(1).normal(size=(4, 3))
    expected = scipy.stats.norm(parameters["mean"], np.exp(0.5 * parameters["log_var"].numpy())).logpdf(z).sum(-1)
    np.testing.assert_allclose(distribution.log_prob(z), expected, rtol=1e-10)


def test_samples_have_the_moments_of_the_distribution():
    posterior = kv.posteriors.DiagonalGaussian(3)
    parameters, _ = parameters_of(posterior)
    z = posterior.sample(parameters, 20_000, SEED).numpy()
    assert z.shape == (20_000, 4, 3)
    oracles.assert_mean_within_standard_errors(z, parameters["mean"])
    oracles.assert_mean_within_standard_errors((z - parameters["mean"]) ** 2, tf.exp(parameters["log_var"]))


def test_samples_are_a_pure_function_of_the_seed_and_differ_between_examples():
    posterior = kv.posteriors.DiagonalGaussian(2)
    parameters = posterior(tf.ones([4, 6]))
    z = posterior.sample(parameters, 3, SEED).numpy()
    np.testing.assert_array_equal(z, posterior.sample(parameters, 3, SEED))
    assert not np.array_equal(z, posterior.sample(parameters, 3, SEED + 1))
    assert len(np.unique(z)) == z.size


def test_gradients_reach_the_projection_through_samples():
    posterior = kv.posteriors.DiagonalGaussian(2)
    features = tf.ones([4, 6])
    with tf.GradientTape() as tape:
        parameters = posterior(features)
        z = posterior.sample(parameters, 5, SEED)
    to_bias = tape.gradient(z, posterior.projection.bias).numpy()
    # dz/dmean = 1 for each of 5 x 4 samples, dz/dlog_var = (z - mean) / 2
    np.testing.assert_allclose(to_bias[:2], [20.0, 20.0], rtol=1e-6)
    np.testing.assert_allclose(to_bias[2:], np.sum((z - parameters["mean"]) / 2, axis=(0, 1)), rtol=1e-4, atol=1e-5)


def test_log_var_is_clipped_to_its_range():
    posterior = kv.posteriors.DiagonalGaussian(2, log_var_range=(-6, 2))
    parameters = posterior.split(tf.constant([[1e3, -1e3, 50.0, -50.0], [0.0, 0.0, 1.0, -1.0]]))
    np.testing.assert_array_equal(parameters["mean"], [[1e3, -1e3], [0.0, 0.0]])
    np.testing.assert_array_equal(parameters["log_var"], [[2.0, -6.0], [1.0, -1.0]])


def test_the_default_range_keeps_samples_and_rates_finite():
    posterior = kv.posteriors.DiagonalGaussian(1)
    parameters = posterior.split(tf.constant([[0.0, 1e9], [0.0, -1e9]]))
    z = posterior.sample(parameters, 10, SEED)
    assert np.all(np.isfinite(z)) and np.all(np.isfinite(posterior.distribution(parameters).log_prob(z)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: kv.posteriors.DiagonalGaussian(0), r"`latent_dim` must be >= 1. Received: latent_dim=0"),
        (lambda: kv.posteriors.DiagonalGaussian(2.5), r"`latent_dim` must be an integer. Received: latent_dim=2.5"),
        (lambda: kv.posteriors.DiagonalGaussian(2, log_var_range=(2, -6)), r"`log_var_range` must be a pair"),
    ],
)
def test_arguments_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
