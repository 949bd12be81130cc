"""What the cross-entropy of grey values means: the average log-probability of their binarizations."""

import itertools

import numpy as np
import tensorflow as tf

import keras_vae as kv

GREY = np.array([0.1, 0.5, 0.8, 1.0])
LOGITS = np.array([[-1.0, 0.3, 2.0, -0.5]])


def log_prob(x):
    likelihood = kv.likelihoods.Bernoulli((4,), projection=None, dtype="float64")
    return likelihood.distribution(likelihood(tf.constant(LOGITS))).log_prob(x).numpy()


def test_the_cross_entropy_of_grey_values_is_the_expectation_over_all_binarizations():
    binary = np.array(list(itertools.product([0.0, 1.0], repeat=4)))
    probabilities = np.prod(np.where(binary == 1, GREY, 1 - GREY), axis=1)
    np.testing.assert_allclose(probabilities @ log_prob(binary), log_prob(GREY[None])[0], rtol=1e-12)


def test_images_binarized_by_the_pipeline_have_that_expectation():
    images = np.tile(GREY, (20_000, 1))
    for binarize in ("dynamic", "fixed"):
        batches = kv.data.pipeline(images, batch_size=5_000, binarize=binarize, seed=0)
        values = np.concatenate([log_prob(tf.cast(batch, "float64")) for batch in batches])
        standard_error = values.std() / np.sqrt(len(values))
        assert standard_error < 0.02
        assert abs(values.mean() - log_prob(GREY[None])[0]) < 4 * standard_error
