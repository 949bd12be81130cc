"""The Bernoulli likelihood against SciPy, and from logits at the extremes."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

import keras_vae as kv


def direct(event_shape=(3, 2), dtype="float64"):
    """The likelihood of logits that are given as they are."""
    return kv.likelihoods.Bernoulli(event_shape, projection=None, dtype=dtype)


def log_prob(likelihood, logits, x):
    return likelihood.distribution(likelihood(logits)).log_prob(likelihood.observe(x)).numpy()


def test_log_prob_is_scipys_summed_over_the_event():
    generator = np.random.default_rng(0)
    logits, x = generator.normal(scale=2.0, size=(5, 3, 2)), generator.integers(0, 2, size=(5, 3, 2))
    expected = scipy.stats.bernoulli(scipy.special.expit(logits)).logpmf(x).sum(axis=(1, 2))
    np.testing.assert_allclose(log_prob(direct(), logits, x), expected, rtol=1e-10)


def test_probabilities_of_all_events_sum_to_one():
    logits = np.tile([[0.3, -2.0, 1.1]], (8, 1))
    x = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, 8).T
    assert np.exp(log_prob(direct((3,)), logits, x)).sum() == pytest.approx(1.0, rel=1e-12)


def test_on_grey_values_it_is_the_negative_cross_entropy():
    x, logits = np.float64([[0.2, 0.9]]), np.float64([[1.0, -0.5]])
    p = scipy.special.expit(logits)
    expected = np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=-1)
    np.testing.assert_allclose(log_prob(direct((2,)), logits, x), expected, rtol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_float16"])
@pytest.mark.parametrize(("logit", "x", "expected"), [(1e4, 0, -1e4), (1e4, 1, 0), (-1e4, 1, -1e4), (-1e4, 0, 0)])
def test_extreme_logits_give_finite_and_right_values_and_gradients(dtype, logit, x, expected):
    likelihood = direct((2,), dtype)
    logits = tf.fill([1, 2], tf.constant(logit, likelihood.compute_dtype))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        parameters = likelihood(logits)
        value = likelihood.distribution(parameters).log_prob(likelihood.observe(np.full((1, 2), x)))
    np.testing.assert_allclose(value, [2 * expected], rtol=2e-4)
    # d log p / d logit = x - sigmoid(logit)
    np.testing.assert_allclose(tape.gradient(value, logits), np.full((1, 2), x - (logit > 0)), atol=1e-6)


def test_the_mean_is_the_probability():
    logits = np.random.default_rng(0).normal(size=(5, 3, 2))
    likelihood = direct()
    parameters = likelihood(logits)
    np.testing.assert_allclose(likelihood.mean(parameters), scipy.special.expit(logits), rtol=1e-12)
    np.testing.assert_allclose(likelihood.mean(parameters), likelihood.distribution(parameters).mean(), rtol=1e-12)


def test_its_support_is_the_unit_interval_for_models_to_check():
    assert direct().support == (0.0, 1.0)
    assert not direct().integer_valued
