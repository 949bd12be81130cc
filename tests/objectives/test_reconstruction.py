"""The plain autoencoder's objective."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

import keras_vae as kv
from tests.records import record_of

tfd = tfp.distributions


@pytest.mark.parametrize("num_samples", [1, 3])
def test_its_loss_is_the_distortion_and_it_has_no_rate_and_no_elbo(num_samples):
    generator = np.random.default_rng(0)
    x, decoded = generator.normal(size=(4, 3)), generator.normal(size=(num_samples, 4, 3))
    record = record_of(tf.constant(x), tfd.Independent(tfd.Normal(tf.constant(decoded), 0.7), 1), ())
    objective = kv.objectives.Reconstruction()
    terms = objective(record, step=0, training=True)
    expected = -scipy.stats.norm(decoded, 0.7).logpdf(x).sum(axis=-1).mean(axis=0)
    np.testing.assert_allclose(terms.loss, expected, rtol=1e-10)
    np.testing.assert_array_equal(terms.loss, terms.logs["reconstruction_loss"])
    assert list(terms.logs) == ["reconstruction_loss"]


def test_it_needs_no_density_and_an_elbo_does():
    assert not kv.objectives.Reconstruction().needs_density
    assert kv.objectives.ELBO().needs_density
