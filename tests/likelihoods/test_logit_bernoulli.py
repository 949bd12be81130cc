"""The cheap log-probability of a Bernoulli against TFP's, in value and in gradient."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.likelihoods.logit_bernoulli import LogitBernoulli

LOGITS = np.array([-300.0, -30.0, -3.0, -1e-4, 0.0, 1e-4, 3.0, 30.0, 300.0], "float32")


def value_and_gradient(distribution, x):
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = distribution(logits=logits, dtype=tf.float32).log_prob(x)
    return value.numpy(), tape.gradient(value, logits).numpy()


@pytest.mark.parametrize("x", [0.0, 1.0, 0.3, 0.5])
def test_value_and_gradient_are_those_of_tfp(x):
    found = value_and_gradient(LogitBernoulli, x)
    expected = value_and_gradient(tfp.distributions.Bernoulli, x)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_the_gradient_at_a_logit_of_nought_is_x_less_a_half():
    assert value_and_gradient(LogitBernoulli, 1.0)[1][4] == pytest.approx(0.5)
    assert value_and_gradient(LogitBernoulli, 0.0)[1][4] == pytest.approx(-0.5)


def test_it_leaves_a_compiled_function_as_tfps_own_does():
    make = tf.function(lambda logits: LogitBernoulli(logits=logits, dtype=tf.float32))
    np.testing.assert_allclose(make(LOGITS).mean(), tf.sigmoid(LOGITS))
    assert tfp.distributions.kl_divergence(make(LOGITS), make(LOGITS)).numpy().max() == 0.0
