"""Binary images, drawn once."""

import numpy as np

import keras_vae as kv
from tests import oracles


def test_each_pixel_is_one_with_its_grey_value_as_the_probability():
    images = np.tile(np.array([0.0, 0.1, 0.5, 0.9, 1.0]), (20_000, 1))  # more than one slice
    binary = kv.data.binarize(images, seed=0)
    assert binary.dtype == np.float32 and set(np.unique(binary)) == {0.0, 1.0}
    assert np.all(binary[:, 0] == 0.0) and np.all(binary[:, 4] == 1.0)
    oracles.assert_mean_within_standard_errors(binary[:, 1:4], [0.1, 0.5, 0.9])


def test_bytes_are_divided_by_255():
    grey = np.random.default_rng(0).integers(0, 256, (20_000, 2)).astype("uint8")
    binary = kv.data.binarize(grey, seed=1)
    oracles.assert_mean_within_standard_errors(binary - grey / 255.0, 0.0)
    np.testing.assert_array_equal(kv.data.binarize(grey[:9] // 255 * 255, seed=0), grey[:9] // 255)


def test_one_seed_gives_one_draw():
    images = np.full((100, 3), 0.5)
    np.testing.assert_array_equal(kv.data.binarize(images, seed=4), kv.data.binarize(images, seed=4))
    assert not np.array_equal(kv.data.binarize(images, seed=4), kv.data.binarize(images, seed=5))
    assert not np.array_equal(kv.data.binarize(images), kv.data.binarize(images))
