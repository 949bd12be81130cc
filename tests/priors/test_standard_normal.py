"""The standard Gaussian prior."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import keras_vae as kv
from tests import oracles


def built(dtype="float64"):
    prior = kv.priors.StandardNormal(dtype=dtype)
    prior.build((None, 3))
    return prior


def test_log_prob_is_scipys():
    z = np.random.default_rng(0).normal(scale=3.0, size=(5, 4, 3))
    expected = scipy.stats.norm.logpdf(z).sum(axis=-1)
    np.testing.assert_allclose(built().distribution().log_prob(z), expected, rtol=1e-12)


def test_calling_it_gives_log_prob_and_builds_it():
    z = np.random.default_rng(0).normal(size=(5, 4, 3))
    prior = kv.priors.StandardNormal(dtype="float64")
    np.testing.assert_allclose(prior(z), scipy.stats.norm.logpdf(z).sum(axis=-1), rtol=1e-12)
    assert prior.latent_dim == 3 and prior.event_shape() == (3,)


def test_draws_have_mean_zero_and_variance_one():
    z = built().distribution().sample(20_000, seed=np.int32([1, 2])).numpy()
    oracles.assert_mean_within_standard_errors(z, 0.0)
    oracles.assert_mean_within_standard_errors(z**2, 1.0)


def test_it_has_no_batch_axis_no_weights_and_no_use_for_what_other_priors_need():
    prior = built()
    distribution = prior.distribution(posterior_of=lambda x: x, condition=tf.ones([4, 2]))
    assert distribution.batch_shape == () and distribution.event_shape == (3,)
    assert prior.weights == []


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_statistics_stay_in_float32_under_mixed_precision(dtype):
    prior = built("mixed_float16")
    assert prior.distribution().dtype == tf.float32
    z = np.array([[300.0, 0.5, -0.25]], dtype)  # the square of 300 is infinite in float16
    log_prob = prior(z)
    assert log_prob.dtype == tf.float32
    np.testing.assert_allclose(log_prob, scipy.stats.norm.logpdf(z.astype("float64")).sum(axis=-1), rtol=1e-6)


def test_a_dtype_policy_may_be_given_and_is_in_the_config():
    prior = kv.priors.StandardNormal(dtype=keras.DTypePolicy("float64"))
    assert kv.priors.StandardNormal.from_config(prior.get_config()).variable_dtype == "float64"


def test_before_it_is_built_it_says_what_to_do():
    message = r"`StandardNormal` must be built .* put it into a model.* Received: latent_dim=None"
    with pytest.raises(ValueError, match=message):
        kv.priors.StandardNormal().distribution()
