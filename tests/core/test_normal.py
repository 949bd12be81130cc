"""The Gaussian whose density keeps float32's digits, against SciPy in float64, and otherwise as TFP's."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

import keras_vae as kv
from keras_vae.core import Normal

tfd = tfp.distributions
MEAN, SCALE = np.float32(1000.0), np.float32(1e-3)


def exact(x, mean=MEAN, scale=SCALE):
    return scipy.stats.norm.logpdf(*(np.asarray(value, "float64") for value in (x, mean, scale)))


def near(mean, scale, size=500):
    return np.float32(mean + scale * np.random.default_rng(0).normal(size=size))


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(
    ("mean", "scale"), [(0.0, 1.0), (1000.0, 1e-3), (-1000.0, 4.5e-5), (1e6, 1.0), (3.0, 1e-15), (1e-12, 1e-15)]
)
def test_log_prob_in_float32_is_scipys_in_float64(mean, scale, jit_compile):
    mean, scale = np.float32(mean), np.float32(scale)
    x = near(mean, scale)
    log_prob = tf.function(lambda x: Normal(mean, scale).log_prob(x), jit_compile=jit_compile)(x)
    np.testing.assert_allclose(log_prob, exact(x, mean, scale), rtol=1e-6, atol=1e-6)


def test_tfps_own_loses_digits_there():
    x = near(MEAN, SCALE)
    assert np.max(np.abs(tfd.Normal(MEAN, SCALE).log_prob(x) - exact(x))) > 0.01


def test_gradients_are_exact_far_from_the_origin():
    values = [tf.constant(value) for value in (near(MEAN, SCALE), MEAN, SCALE)]
    with tf.GradientTape() as tape:
        tape.watch(values)
        x, mean, scale = values
        log_prob = Normal(mean, scale).log_prob(x)
    found = tape.gradient(log_prob, values)
    x, mean, scale = (value.numpy().astype("float64") for value in values)
    slopes = -(x - mean) / scale**2
    np.testing.assert_allclose(found[0], slopes, rtol=1e-5)
    size = np.abs(slopes).sum()
    np.testing.assert_allclose(found[1], -slopes.sum(), atol=1e-5 * size)
    np.testing.assert_allclose(found[2], np.sum((x - mean) ** 2 / scale**3 - 1 / scale), atol=1e-5 * size)


def test_it_is_a_composite_tensor_that_leaves_and_enters_functions():
    distribution = tfd.Independent(Normal(tf.ones([3, 2]), tf.ones([3, 2])), 1)
    assert [part.shape for part in tf.nest.flatten(distribution, expand_composites=True)] == [(3, 2), (3, 2)]
    for jit_compile in (False, True):
        returned = tf.function(lambda given: given, jit_compile=jit_compile)(distribution)
        assert isinstance(returned.distribution, Normal)
    stopped = tf.nest.map_structure(tf.stop_gradient, distribution, expand_composites=True)
    assert isinstance(stopped.distribution, Normal)
    assert isinstance(distribution.distribution.copy(loc=0.0), Normal)


def test_it_is_tfps_normal_with_tfps_samples_and_divergences():
    ours, theirs = Normal(1.0, 2.0), tfd.Normal(1.0, 2.0)
    assert isinstance(ours, tfd.Normal)
    np.testing.assert_array_equal(ours.sample(5, seed=np.int32([1, 2])), theirs.sample(5, seed=np.int32([1, 2])))
    other = tfd.Normal(0.0, 1.0)
    assert tfd.kl_divergence(ours, other) == tfd.kl_divergence(theirs, other)
    assert tfd.kl_divergence(other, ours) == tfd.kl_divergence(other, theirs)


def test_the_parts_that_are_gaussian_have_such_a_density():
    x = near(MEAN, SCALE)[:, None]
    mean = tf.fill(x.shape, MEAN)
    likelihood = kv.likelihoods.Gaussian((1,), scale=float(SCALE), projection=None)
    np.testing.assert_allclose(
        likelihood.distribution({"mean": mean, "scale": tf.constant(SCALE)}).log_prob(x), exact(x)[:, 0], rtol=1e-6
    )
    log_var = np.float32(2 * np.log(SCALE))
    scale = np.exp(0.5 * np.float64(log_var))
    posterior = kv.posteriors.DiagonalGaussian(1).distribution({"mean": mean, "log_var": tf.fill(x.shape, log_var)})
    np.testing.assert_allclose(posterior.log_prob(x), exact(x, scale=scale)[:, 0], rtol=1e-5)
    assert isinstance(posterior.distribution, Normal)
    prior = kv.priors.StandardNormal()
    prior.build((None, 1))
    assert isinstance(prior.distribution().distribution, Normal)


def test_divergences_in_closed_form_keep_their_digits_far_from_the_origin():
    means, scales = near(MEAN, SCALE), np.full(500, SCALE)
    posterior, prior = (
        tfd.Independent(Normal(mean[:, None], scale[:, None]), 1)
        for mean, scale in ((means, scales), (np.full(500, MEAN), 2 * scales))
    )
    ratio, shift = 0.5, (means.astype("float64") - MEAN) / (2.0 * SCALE)
    expected = 0.5 * (ratio**2 + shift**2 - 1) - np.log(ratio)
    np.testing.assert_allclose(kv.divergences.closed_form_kl(posterior, prior), expected, rtol=1e-5)
    full = tfd.MultivariateNormalTriL(means[:, None], scales[:, None, None])
    np.testing.assert_allclose(kv.divergences.closed_form_kl(full, prior), expected, rtol=1e-5)
