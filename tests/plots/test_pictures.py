"""Reconstructions and samples: every pixel is shown, in its place, in its colour."""

import numpy as np
import pytest

import keras_vae as kv
from tests.plots.helpers import axes_at, rendered, words


def shown(figure, pixels_high):
    """Return what the axes show, one value for each pixel of the images and of the gaps between them."""
    top, bottom, left, right = axes_at(figure)
    dots = (bottom - top) // pixels_high
    assert (bottom - top) % pixels_high == 0
    region = rendered(figure)[top:bottom, left:right]
    pixels = region[::dots, ::dots]
    # Every pixel is a square of one colour: nothing is smoothed, nothing is cut.
    np.testing.assert_array_equal(np.kron(pixels, np.ones((dots, dots, 1), np.uint8)), region)
    return pixels


@pytest.mark.parametrize("size", [(8, 8), (28, 28), (5, 9), (120, 100)])
@pytest.mark.parametrize("channels", [1, 3])
def test_samples_shows_each_image_exactly(size, channels):
    height, width = size
    gap = max(1, round(0.07 * width))
    images = np.random.default_rng(0).integers(0, 256, (3, *size, channels), dtype=np.uint8)
    pixels = shown(kv.plots.samples(images), 2 * height + gap)
    colour = np.broadcast_to(images, (3, *size, 3))
    np.testing.assert_array_equal(pixels[:height, :width], colour[0])
    np.testing.assert_array_equal(pixels[:height, width + gap :], colour[1])
    np.testing.assert_array_equal(pixels[height + gap :, :width], colour[2])
    assert (pixels[height : height + gap] == 255).all()
    assert (pixels[height + gap :, width:] == 255).all()


def test_integers_and_floats_show_alike_and_floats_are_clipped():
    integers = np.array([0, 51, 255, 255], np.uint8).reshape(1, 2, 2)
    floats = np.array([-0.5, 0.2, 1.0, 1.5]).reshape(1, 2, 2, 1)
    np.testing.assert_array_equal(rendered(kv.plots.samples(integers)), rendered(kv.plots.samples(floats)))


def test_samples_has_the_columns_asked_for():
    images = np.zeros((6, 4, 4), np.uint8)
    wide, tall = (kv.plots.samples(images, columns=columns) for columns in (6, 1))
    assert wide.get_figwidth() == pytest.approx(tall.get_figheight())
    assert wide.get_figwidth() > 4 * wide.get_figheight()


def test_reconstructions_stand_below_their_originals_with_names():
    originals = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 1), dtype=np.uint8)
    figure = kv.plots.reconstructions(originals, originals / 510, columns=2, title="digits")
    assert words(figure) == [*["original", "reconstruction"] * 2, "digits"]
    pixels = shown(figure, 4 * 4 + 3)
    for number, (top, left) in enumerate([(0, 0), (0, 5), (10, 0)]):
        np.testing.assert_array_equal(pixels[top : top + 4, left : left + 4, 0], originals[number, ..., 0])
        below = pixels[top + 5 : top + 9, left : left + 4, 0]
        np.testing.assert_allclose(below, originals[number, ..., 0] / 2, atol=1)


def test_reconstructions_shows_what_the_model_saw_where_that_is_given():
    originals = np.full((2, 4, 4, 1), 100, np.uint8)
    figure = kv.plots.reconstructions(originals, originals, inputs=originals > 50)
    assert words(figure) == ["original", "model's input", "reconstruction"]
    assert shown(figure, 3 * 4 + 2)[5, 0, 0] == 255


def test_words_stay_within_the_picture():
    figure = kv.plots.reconstructions(np.zeros((1, 8, 8)), np.ones((1, 8, 8)), title="a title of the usual length")
    figure.canvas.draw()
    (axes,) = figure.axes
    for text in (axes.title, axes._left_title, *axes.get_yticklabels()):
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.get_figwidth() * figure.dpi
        assert box.y1 <= figure.get_figheight() * figure.dpi


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 4)), "`images` must be images of shape .* Received: an array of shape \\(4, 4\\)"),
        (np.zeros((2, 4, 4, 2)), "Received: an array of shape \\(2, 4, 4, 2\\)"),
        (np.zeros((0, 4, 4, 1)), "n >= 1. Received: an array of shape \\(0, 4, 4, 1\\)"),
        (np.full((1, 4, 4), 256), "in \\[0, 255\\] where it is of integers. Received: values from 256 to 256"),
        (np.full((1, 4, 4), np.nan), "`images` must be numbers. Received: NaN"),
    ],
)
def test_samples_refuses_what_is_no_batch_of_images(images, message):
    with pytest.raises(ValueError, match=message):
        kv.plots.samples(images)


def test_columns_must_be_positive():
    with pytest.raises(ValueError, match="`columns` must be >= 1. Received: columns=0"):
        kv.plots.samples(np.zeros((1, 4, 4)), columns=0)


def test_reconstructions_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="`reconstructed` must be as many images as `originals`.* Received: \\(2, 4"):
        kv.plots.reconstructions(np.zeros((3, 4, 4)), np.zeros((2, 4, 4)))
