"""Samples by a seed for each row have their distribution's moments, for any prior that a model may have."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.export.draw import draw
from keras_vae.priors.diagonal_gaussian_mixture import DiagonalGaussianMixture

tfd = tfp.distributions
MEANS = np.array([[-3.0, 0.0], [0.0, 2.0], [4.0, 1.0]], np.float32)
SCALES = np.array([[0.5, 1.0], [1.0, 0.2], [0.3, 0.3]], np.float32)
FACTORS = np.array([[[1.0, 0.0], [0.8, 0.5]], [[0.3, 0.0], [-0.2, 0.2]], [[1.0, 0.0], [0.0, 1.0]]], np.float32)
WEIGHTS = tfd.Categorical(probs=[0.2, 0.5, 0.3])

SHARED = {
    "standard normal": tfd.Independent(tfd.Normal(tf.zeros(2), tf.ones(2)), 1),
    "correlated": tfd.MultivariateNormalTriL(MEANS[0], FACTORS[0]),
    "mixture": DiagonalGaussianMixture(WEIGHTS, tfd.Independent(tfd.Normal(MEANS, SCALES), 1)),
    "correlated mixture": tfd.MixtureSameFamily(WEIGHTS, tfd.MultivariateNormalTriL(MEANS, FACTORS)),
    "Laplace": tfd.Independent(tfd.Laplace(MEANS[0], SCALES[0]), 1),
    "mixture of Laplaces": tfd.MixtureSameFamily(WEIGHTS, tfd.Independent(tfd.Laplace(MEANS, SCALES), 1)),
}


def seeds(n, stream=0):
    return tf.stack([tf.range(n), tf.fill([n], stream)], axis=1)


@pytest.mark.parametrize("name", SHARED)
def test_moments_are_the_distributions_own(name):
    n = 2000 if "Laplace" in name else 20_000
    z = tf.function(draw)(SHARED[name], seeds(n)).numpy()
    expected = np.cov(SHARED[name].sample(200_000, seed=0).numpy().T)
    mean = SHARED[name].mean().numpy()
    assert z.shape == (n, 2)
    assert np.all(np.abs(z.mean(axis=0) - mean) <= 5 * np.sqrt(np.diag(expected) / n))
    np.testing.assert_allclose(np.cov(z.T), expected, atol=12 * np.max(np.diag(expected)) / np.sqrt(n))


def test_the_components_of_a_mixture_have_their_weights():
    apart = tfd.MixtureSameFamily(WEIGHTS, tfd.Independent(tfd.Normal(100.0 * MEANS, SCALES), 1))
    z = draw(apart, seeds(20_000)).numpy()
    nearest = np.argmin(np.abs(z[:, :1] - 100.0 * MEANS[:, 0]), axis=1)
    shares = np.bincount(nearest, minlength=3) / 20_000
    np.testing.assert_allclose(shares, [0.2, 0.5, 0.3], atol=4 * 0.5 / np.sqrt(20_000))


ROWS = {
    "Gaussian": lambda means: tfd.Independent(tfd.Normal(means, 0.5 + tf.abs(means)), 1),
    "Laplace": lambda means: tfd.Independent(tfd.Laplace(means, 0.5 + tf.abs(means)), 1),
    "mixture": lambda means: tfd.MixtureSameFamily(
        WEIGHTS, tfd.Independent(tfd.Normal(means[:, None] + MEANS, SCALES), 1)
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_distribution_for_each_row_is_drawn_by_that_rows_seed(name):
    means = np.random.default_rng(0).normal(size=(6, 2)).astype("float32")
    z = draw(ROWS[name](means), seeds(6)).numpy()
    for row in range(6):
        alone = draw(ROWS[name](means[row : row + 1]), seeds(6)[row : row + 1])
        np.testing.assert_allclose(z[row : row + 1], alone, rtol=1e-6)
    assert np.unique(z).size == 12
