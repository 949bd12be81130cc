"""Reconstructions and samples: every pixel is shown, in its place, in its colour."""

import numpy as np
import pytest

import keras_vae as kv
from tests.plots.helpers import rendered, shown, words


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


def test_values_of_another_range_show_alike():
    integers = np.array([0, 51, 255, 255], np.uint8).reshape(1, 2, 2)
    other = np.array([-1.5, -0.6, 1.0, 1.5]).reshape(1, 2, 2)
    expected = shown(kv.plots.samples(integers), 2).astype(int)
    categories = np.array([0, 3, 15, 15]).reshape(1, 2, 2)
    for figure in (
        kv.plots.samples(other, value_range=(-1, 1)),
        kv.plots.samples({"": other}, value_range=(-1, 1)),
        kv.plots.samples(categories, value_range=(0, 15)),
    ):
        np.testing.assert_allclose(shown(figure, 2), expected, atol=1)
    figure = kv.plots.reconstructions(other, other, inputs=other, value_range=(-1, 1))
    for top in (0, 3, 6):
        np.testing.assert_allclose(shown(figure, 3 * 2 + 2)[top : top + 2], expected, atol=1)


def test_large_images_are_averaged_over_blocks_to_the_size_that_paper_has():
    blocks = np.random.default_rng(0).integers(0, 256, (1, 128, 128, 3), dtype=np.uint8)
    large = np.kron(blocks, np.ones((2, 2, 1), np.uint8))
    np.testing.assert_array_equal(shown(kv.plots.samples(large), 128), blocks[0])
    uneven = kv.plots.samples(np.full((1, 199, 201), 100, np.uint8))
    assert shown(uneven, 100).shape == (100, 101, 3)
    assert (shown(uneven, 100) == 100).all()


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


def test_reconstructions_of_several_models_have_a_row_each():
    originals = np.full((2, 4, 4, 1), 200, np.uint8)
    figure = kv.plots.reconstructions(originals, {"one": originals // 2, "two": originals // 4})
    assert words(figure) == ["original", "one", "two"]
    assert [shown(figure, 3 * 4 + 2)[row, 0, 0] for row in (0, 5, 10)] == [200, 100, 50]


def test_samples_of_several_models_begin_a_row_each():
    images = {"one": np.full((3, 4, 4), 50, np.uint8), "two": np.full((3, 4, 4), 100, np.uint8)}
    assert words(kv.plots.samples(images)) == ["one", "two"]
    figure = kv.plots.samples(images, columns=2)
    assert words(figure) == ["one", "two"]
    pixels = shown(figure, 4 * 4 + 3)
    assert [pixels[row, 0, 0] for row in (0, 5, 10, 15)] == [50, 50, 100, 100]
    assert [pixels[row, 5, 0] for row in (0, 5, 10, 15)] == [50, 255, 100, 255]


def test_samples_of_several_models_must_have_one_shape():
    for images in ({}, {"one": np.zeros((3, 4, 4)), "two": np.zeros((2, 4, 4))}):
        with pytest.raises(ValueError, match="`images` must hold arrays of one shape, at least one. Received: \\["):
            kv.plots.samples(images)


@pytest.mark.parametrize("name", ["reconstruction", "β = 100", "WWW = 1000 @ MMM", "ill"])
def test_words_stay_within_the_picture(name):
    images = np.zeros((1, 8, 8))
    figure = kv.plots.reconstructions(images, {name: images}, title="a title of the usual length")
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
        (np.full((1, 4, 4), 256), "in \\[0, 255\\] where it is of integers, or .* Received: values from 256 to 256"),
        (np.full((1, 4, 4), np.nan), "`images` must be numbers: .*nan_to_num.* Received: NaN"),
    ],
)
def test_samples_refuses_what_is_no_batch_of_images(images, message):
    with pytest.raises(ValueError, match=message):
        kv.plots.samples(images)


def test_a_range_of_values_must_be_one():
    with pytest.raises(ValueError, match="`value_range` must be a pair .low, high. with low < high. Received"):
        kv.plots.samples(np.zeros((1, 4, 4)), value_range=(1.0, 1.0))


def test_columns_must_be_positive():
    with pytest.raises(ValueError, match="`columns` must be >= 1. Received: columns=0"):
        kv.plots.samples(np.zeros((1, 4, 4)), columns=0)


def test_reconstructions_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="`reconstructed` must be as many images as `originals`.* Received: \\(2, 4"):
        kv.plots.reconstructions(np.zeros((3, 4, 4)), np.zeros((2, 4, 4)))
