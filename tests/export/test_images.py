"""Image files as observations: what black, white and the greys between become."""

import resource
import struct
import zlib

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


def png_of(width, height):
    """Return a PNG file that claims a size, and holds next to nothing."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return head + tf.io.encode_png(GREYS).numpy()[33:]


def test_jpeg_files_of_the_right_size_are_read():
    decode = tf.function(endpoints.image_decoder(kv.likelihoods.Bernoulli((3, 2, 1)), (0.0, 1.0)))
    content = tf.io.encode_jpeg(np.full((3, 2, 1), 200, np.uint8), quality=100).numpy()
    np.testing.assert_allclose(decode(tf.constant([content])), np.full((1, 3, 2, 1), 200 / 255), atol=0.02)


@pytest.mark.parametrize(
    "content",
    [
        png_of(40_000, 40_000),
        png_of(2**32 - 1, 2**32 - 1),
        png_of(3, 2),
        tf.io.encode_jpeg(np.zeros((2000, 2000, 1), np.uint8)).numpy(),
        b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + bytes(100),
        b"BM" + bytes(100),
        b"\x89PNG\r\n\x1a\n",
        b"",
    ],
    ids=["vast", "vaster", "turned", "jpeg", "gif", "bmp", "cut short", "empty"],
)
def test_a_size_that_is_claimed_is_refused_before_anything_is_decoded(content):
    decode = tf.function(endpoints.image_decoder(kv.likelihoods.Bernoulli((3, 2, 1)), (0.0, 1.0)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(tf.errors.InvalidArgumentError, match="Images must be PNG or JPEG files of 3 x 2 pixels"):
        decode(tf.constant([content]))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


@pytest.mark.parametrize("shape", [(6,), (4, 3), (4, 3, 2), (2, 2, 2, 1)])
def test_what_no_image_file_holds_is_not_read_from_one(shape):
    assert not endpoints.takes_images(kv.likelihoods.Bernoulli(shape))
