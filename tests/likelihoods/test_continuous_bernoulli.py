"""The continuous Bernoulli likelihood against numerical integration."""

import numpy as np
import pytest
import scipy.integrate
import scipy.special
import tensorflow as tf

import keras_vae as kv

LOGITS = [-30.0, -4.0, -0.3, -1e-3, -1e-7, 0.0, 1e-9, 1e-5, 2e-3, 0.1, 1.0, 7.0, 30.0]


def direct(event_shape=(1,), dtype="float64"):
    return kv.likelihoods.ContinuousBernoulli(event_shape, projection=None, dtype=dtype)


def log_prob(likelihood, logits, x):
    return likelihood.distribution(likelihood(np.asarray(logits))).log_prob(likelihood.observe(x)).numpy()


def exact_log_density(x, logit):
    """Return log of exp(logit x) / integral_0^1 exp(logit t) dt, which is the density written without p."""
    normalizer, _ = scipy.integrate.quad(lambda t: np.exp(logit * (t - (logit > 0))), 0, 1, epsabs=0, epsrel=1e-12)
    return logit * (x - (logit > 0)) - np.log(normalizer)


@pytest.mark.parametrize("logit", LOGITS)
def test_log_prob_equals_the_cross_entropy_divided_by_its_integral(logit):
    x = np.linspace(0, 1, 5)
    values = log_prob(direct(), np.full((5, 1), logit), x[:, None])
    np.testing.assert_allclose(values, exact_log_density(x, logit), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("logit", LOGITS)
def test_float32_agrees_to_its_precision_near_zero_too(logit):
    x = np.linspace(0, 1, 5)
    values = log_prob(direct(dtype="float32"), np.full((5, 1), logit, "float32"), x[:, None])
    np.testing.assert_allclose(values, exact_log_density(x, logit), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("logit", [-4.0, -1e-3, 0.0, 0.1, 7.0])
def test_it_integrates_to_one_and_its_mean_is_the_mean(logit):
    likelihood = direct()
    grid, weights = np.polynomial.legendre.leggauss(40)
    x, weights = (grid + 1) / 2, weights / 2
    density = np.exp(log_prob(likelihood, np.full((40, 1), logit), x[:, None]))
    assert np.sum(weights * density) == pytest.approx(1.0, rel=1e-10)
    mean = likelihood.mean(likelihood(np.full((1, 1), logit)))
    np.testing.assert_allclose(mean, [[np.sum(weights * density * x)]], rtol=1e-8)


def test_the_mean_is_nearer_to_one_half_than_p():
    logits = np.float64([[-3.0, -0.5, 0.5, 3.0]])
    likelihood = direct((4,))
    mean, p = likelihood.mean(likelihood(logits)).numpy(), scipy.special.expit(logits)
    assert np.all(np.abs(mean - 0.5) < np.abs(p - 0.5))


def test_values_sum_over_the_event():
    generator = np.random.default_rng(0)
    logits, x = generator.normal(size=(3, 2, 2)), generator.random((3, 2, 2))
    whole = log_prob(direct((2, 2)), logits, x)
    parts = log_prob(direct(), logits.reshape(-1, 1), x.reshape(-1, 1)).reshape(3, 4).sum(axis=1)
    np.testing.assert_allclose(whole, parts, rtol=1e-12)


@pytest.mark.parametrize("logit", [-1e4, -1e-6, 0.0, 1e-6, 2e-3, 1e4])
def test_gradients_are_finite_and_are_x_minus_the_mean(logit):
    # the normaliser is that of an exponential family, so d log p / d logit = x - E[x]
    likelihood = direct((2,), "float32")
    logits = tf.constant([[logit, logit]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        parameters = likelihood(logits)
        value = likelihood.distribution(parameters).log_prob(likelihood.observe([[0.2, 0.9]]))
    assert np.all(np.isfinite(value))
    expected = np.float64([[0.2, 0.9]]) - likelihood.mean(parameters).numpy()
    np.testing.assert_allclose(tape.gradient(value, logits), expected, atol=2e-4)


def test_its_support_is_the_unit_interval_for_models_to_check():
    assert direct().support == (0.0, 1.0)
