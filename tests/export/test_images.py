"""Image files as observations: what black, white and the greys between become."""

import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from keras_vae.export import endpoints

GREYS = np.array([0, 84, 86, 170, 254, 255], np.uint8).reshape(3, 2, 1)


def read(likelihood, image_range=None):
    decode = endpoints.image_decoder(likelihood, endpoints.value_range(likelihood, image_range))
    return decode(tf.constant([tf.io.encode_png(GREYS).numpy()])).numpy()[0]


@pytest.mark.parametrize(
    ("likelihood", "image_range", "low", "high"),
    [
        (kv.likelihoods.Bernoulli((3, 2, 1)), None, 0, 1),
        (kv.likelihoods.ContinuousBernoulli((3, 2, 1)), None, 0, 1),
        (kv.likelihoods.Gaussian((3, 2, 1)), None, 0, 1),
        (kv.likelihoods.Gaussian((3, 2, 1)), (-1.0, 1.0), -1, 1),
    ],
)
def test_greys_fill_the_range_evenly(likelihood, image_range, low, high):
    np.testing.assert_allclose(read(likelihood, image_range), low + (high - low) * (GREYS / 255.0), atol=1e-6)


def test_categories_are_the_nearest_ones():
    np.testing.assert_array_equal(read(kv.likelihoods.Categorical((3, 2, 1), 4)), np.round(GREYS / 85.0))


def test_one_hot_codes_mark_the_nearest_category():
    codes = read(kv.likelihoods.Categorical((3, 2, 1), 4, encoding="one_hot"))
    np.testing.assert_array_equal(codes, np.eye(4)[[0, 1, 1, 2, 3, 3]].reshape(3, 2, 1, 4))


@pytest.mark.parametrize("shape", [(6,), (4, 3), (4, 3, 2), (2, 2, 2, 1)])
def test_what_no_image_file_holds_is_not_read_from_one(shape):
    assert not endpoints.takes_images(kv.likelihoods.Bernoulli(shape))
