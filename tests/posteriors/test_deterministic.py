"""The plain autoencoder's code."""

import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv

SEED = tf.constant([3, 1])


def test_the_code_is_an_affine_map_of_the_features_and_every_sample_is_the_code():
    posterior = kv.posteriors.Deterministic(2)
    x = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    parameters = posterior(x)
    kernel, bias = posterior.get_weights()
    np.testing.assert_allclose(parameters["mean"], x @ kernel + bias, rtol=1e-5, atol=1e-6)
    z = posterior.sample(parameters, 3, SEED)
    np.testing.assert_array_equal(z, np.broadcast_to(parameters["mean"], (3, 4, 2)))


def test_the_distribution_is_a_point_mass():
    posterior = kv.posteriors.Deterministic(2)
    distribution = posterior.distribution({"mean": tf.constant([[1.0, 2.0], [3.0, 4.0]])})
    assert distribution.batch_shape == (2,) and distribution.event_shape == (2,)
    np.testing.assert_array_equal(distribution.mean(), [[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(distribution.prob([[1.0, 2.0], [3.0, 5.0]]), [1.0, 0.0])


def test_it_says_that_it_has_no_density():
    assert not kv.posteriors.Deterministic(2).is_distribution
    assert kv.posteriors.DiagonalGaussian(2).is_distribution


def test_no_latent_dimensions_are_refused():
    with pytest.raises(ValueError, match=r"`latent_dim` must be >= 1. Received: latent_dim=0"):
        kv.posteriors.Deterministic(0)
