"""Pictures that a model makes of codes: each image in its place, and axes that say where that is."""

import itertools

import numpy as np
import pytest
import scipy.stats

import keras_vae as kv
from tests.models.conftest import small_vae
from tests.plots.helpers import hierarchical_vae, rendered, shown, words

SIZE = 8
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def grey():
    """A model of grey images with two latent dimensions, as it is before any training."""
    return small_vae((SIZE, SIZE, 1))


@pytest.fixture(scope="module")
def colour():
    """A model of colour images with four latent dimensions."""
    return small_vae((SIZE, SIZE, 3), 4, likelihood=kv.likelihoods.Gaussian((SIZE, SIZE, 3)))


@pytest.fixture(scope="module")
def levels():
    return hierarchical_vae((SIZE, SIZE, 1))


def images(n, channels=1):
    return np.random.default_rng(0).integers(0, 2, (n, SIZE, SIZE, channels)).astype(np.float32)


def bytes_of(means):
    return np.round(255 * np.clip(np.broadcast_to(means, (*means.shape[:-1], 3)), 0, 1))


def tiles(figure, rows, columns):
    """Return what a figure shows as an array of shape (rows, columns, height, width, 3)."""
    step = SIZE + 1
    pixels = shown(figure, rows * step - 1).astype(float)
    assert pixels.shape == (rows * step - 1, columns * step - 1, 3)
    return np.array(
        [[pixels[r * step : r * step + SIZE, c * step : c * step + SIZE] for c in range(columns)] for r in range(rows)]
    )


@pytest.mark.parametrize("spacing", ["uniform", "normal"])
def test_the_manifold_shows_what_is_decoded_at_each_point_of_the_grid(grey, spacing):
    figure = kv.plots.latent_manifold(grey, 4, spacing=spacing, title="plane")
    side = np.linspace(-3, 3, 4) if spacing == "uniform" else scipy.stats.norm.ppf([0.125, 0.375, 0.625, 0.875])
    found = tiles(figure, 4, 4)
    for row, z_2 in enumerate(side[::-1]):
        for column, z_1 in enumerate(side):
            np.testing.assert_allclose(found[row, column], bytes_of(grey.decode([[z_1, z_2]]))[0], atol=1)
    marks = [f"{abs(value):.1f}" for value in side]
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_xticklabels()] == [MINUS + m for m in marks[:2]] + marks[2:]
    assert [text.get_text() for text in axes.get_yticklabels()] == [*marks[:1:-1], *(MINUS + m for m in marks[1::-1])]
    expected = {"plane", "$z_2$", "$z_1$" if spacing == "uniform" else "$z_1$, at quantiles of N(0, 1)"}
    assert expected <= set(words(figure))


def test_of_more_dimensions_two_vary_and_the_others_are_zero_as_the_axes_say(colour):
    figure = kv.plots.latent_manifold(colour, 3, dimensions=(3, 1), extent=((-1, 1), (0, 2)))
    found = tiles(figure, 3, 3)
    for row, upward in enumerate((2.0, 1.0, 0.0)):
        for column, across in enumerate((-1.0, 0.0, 1.0)):
            np.testing.assert_allclose(found[row, column], bytes_of(colour.decode([[0, upward, 0, across]]))[0], atol=1)
    assert {"z[:, 3], the other 2 of 4 dimensions at 0", "z[:, 1]"} <= set(words(figure))


def test_a_large_manifold_gets_no_wider_and_its_numbers_do_not_overlap(grey):
    figure = kv.plots.latent_manifold(grey, 40)
    assert figure.get_figwidth() < 10.5
    rendered(figure)
    boxes = [text.get_window_extent() for text in figure.axes[0].get_xticklabels() if text.get_text()]
    assert len(boxes) > 10
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


@pytest.mark.parametrize("method", ["linear", "spherical"])
def test_a_strip_shows_what_is_decoded_on_the_way(grey, method):
    start, end = np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 2.0], [-1.0, 0.0]])
    figure = kv.plots.interpolation(grey, start, end, num_steps=5, method=method, title="way")
    found = tiles(figure, 2, 5)
    path = kv.latents.interpolate(start, end, num_steps=5, method=method)
    for row in range(2):
        np.testing.assert_allclose(found[row], bytes_of(grey.decode(path[:, row])), atol=1)
    assert {"way", "0", "0.25", "0.5", "0.75", "1", f"decoded on the {method} path, t from 0 to 1"} == set(
        words(figure)
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_encoded_and_stand_at_the_ends(grey, colour, channels):
    vae, x = {1: grey, 3: colour}[channels], images(4, channels)
    figure = kv.plots.interpolation(vae, x[:2], x[2:], num_steps=3)
    found = tiles(figure, 2, 5)
    np.testing.assert_array_equal(found[:, 0], bytes_of(x[:2]))
    np.testing.assert_array_equal(found[:, -1], bytes_of(x[2:]))
    z = vae.encode(x)
    np.testing.assert_allclose(found[:, 1], bytes_of(vae.decode(z[:2])), atol=1)
    np.testing.assert_allclose(found[:, 2], bytes_of(vae.decode((z[:2] + z[2:]) / 2)), atol=1)
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["start", "0", "0.5", "1", "end"]


def test_one_image_and_one_code_make_one_row(grey):
    figure = kv.plots.interpolation(grey, images(1)[0], [0.0, 0.0], num_steps=2)
    found = tiles(figure, 1, 3)
    np.testing.assert_array_equal(found[0, 0], bytes_of(images(1))[0])
    np.testing.assert_allclose(found[0, 2], bytes_of(grey.decode([[0.0, 0.0]]))[0], atol=1)


def test_a_hierarchical_model_goes_along_in_all_levels(levels):
    x = images(2)
    z = levels.encode(x)
    figure = kv.plots.interpolation(levels, x[:1], tuple(level[1:] for level in z), num_steps=3)
    found = tiles(figure, 1, 4)
    middle = levels.decode([level.mean(axis=0, keepdims=True) for level in z])
    np.testing.assert_allclose(found[0, 2], bytes_of(middle)[0], atol=1)


def test_categories_are_shown_from_the_first_as_black_to_the_last_as_white():
    likelihood = kv.likelihoods.Categorical((SIZE, SIZE), 5)
    vae = small_vae((SIZE, SIZE), likelihood=likelihood)
    found = tiles(kv.plots.interpolation(vae, [0.0, 0.0], [1.0, 1.0], num_steps=2), 1, 2)
    expected = np.round(255 * vae.decode([[0.0, 0.0], [1.0, 1.0]]) / 4)
    np.testing.assert_allclose(found[0, ..., 0], expected, atol=1)


def gif(path):
    from PIL import Image

    frames, durations = [], []
    with Image.open(path) as image:
        assert image.info["loop"] == 0
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGB")))
            durations.append(image.info["duration"])
    return np.array(frames), durations


def test_a_gif_goes_there_and_back_with_exact_greys(grey, tmp_path):
    start, end = np.array([[-2.0, 0.0], [0.0, 1.0]]), np.array([[2.0, 1.0], [2.0, 0.0]])
    path = tmp_path / "new" / "way.gif"
    assert kv.plots.interpolation_gif(grey, start, end, path, num_steps=4, milliseconds=50) == path
    frames, durations = gif(path)
    assert len(frames) == 6
    assert durations == [400, 50, 50, 400, 50, 50]
    np.testing.assert_array_equal(frames[4:], frames[2:0:-1])
    zoom = 14
    assert frames.shape[1:] == (SIZE * zoom, 2 * SIZE * zoom + 2 * zoom, 3)
    decoded = kv.latents.interpolate(start, end, num_steps=4)
    for step in range(4):
        expected = bytes_of(grey.decode(decoded[step]))
        left, right = frames[step][::zoom, ::zoom][:, :SIZE], frames[step][::zoom, ::zoom][:, SIZE + 2 :]
        np.testing.assert_allclose([left, right], expected, atol=1)


def test_a_gif_in_colour_is_near_the_decoded_images(colour, tmp_path):
    x = images(2, 3)
    frames, _ = gif(kv.plots.interpolation_gif(colour, x[:1], x[1:], str(tmp_path / "a.GIF"), num_steps=3))
    z = colour.encode(x)
    expected = bytes_of(colour.decode((z[:1] + z[1:]) / 2))[0]
    assert np.abs(frames[1][::14, ::14] - expected).mean() < 4.0


def test_a_gif_that_fails_leaves_the_old_one(grey, tmp_path, monkeypatch):
    path = tmp_path / "way.gif"
    path.write_bytes(b"old")

    def fail(self, file, **kwargs):
        file.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("PIL.Image.Image.save", fail)
    with pytest.raises(OSError, match="disk full"):
        kv.plots.interpolation_gif(grey, [0.0, 0.0], [1.0, 1.0], path, num_steps=2)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


Z = [0.0, 0.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda vae: kv.plots.latent_manifold(vae, 1), "`num` must be >= 2. Received: num=1"),
        (
            lambda vae: kv.plots.latent_manifold(vae, dimensions=(1, 2)),
            r"`dimensions` must be two different whole numbers from 0 to 1. Received: dimensions=\(1, 2\)",
        ),
        (lambda vae: kv.plots.latent_manifold(vae, dimensions=(0, 0)), "`dimensions` must be two different whole"),
        (lambda vae: kv.plots.latent_manifold(vae, dimensions=0), "`dimensions` must be two different .* Received"),
        (lambda vae: kv.plots.interpolation(vae, Z, [Z, Z]), "`start` and `end` must be as many.* Received: 1 and 2"),
        (
            lambda vae: kv.plots.interpolation(vae, Z, [0.0] * 3),
            r"`end` must be images of shape \(8, 8, 1\) or \(n, 8, 8, 1\), or codes of shape \(n, 2\). Rec.*: \(3,\)",
        ),
        (lambda vae: kv.plots.interpolation(vae, np.zeros((0, 2)), np.zeros((0, 2))), "`start` must be .* codes of"),
        (lambda vae: kv.plots.interpolation(vae, 255 * images(1), images(1)), r"`x` must be in \[0, 1\]"),
        (lambda vae: kv.plots.interpolation(vae, Z, Z, num_steps=1), "`num_steps` must be >= 2. Received"),
        (lambda vae: kv.plots.interpolation_gif(vae, Z, Z, "a.png"), "`path` must end in .gif. Received: 'a.png'"),
        (lambda vae: kv.plots.interpolation_gif(vae, Z, Z, "a.gif", milliseconds=10), "`milliseconds` must be >= 20"),
        (lambda vae: kv.plots.interpolation_gif(vae, Z, Z, "a.gif", milliseconds=25), "must be a multiple of 10. Rec"),
    ],
)
def test_what_does_not_fit_is_refused(grey, call, message):
    with pytest.raises(ValueError, match=message):
        call(grey)


def test_models_that_have_no_such_picture_are_refused(levels):
    with pytest.raises(ValueError, match=r"`vae` must have one level of latents, .* Received: latent_dim=\(3, 2\)"):
        kv.plots.latent_manifold(levels)
    with pytest.raises(ValueError, match=r"`start` must be images .*\(n, 3\) and \(n, 2\), one array for each level"):
        kv.plots.interpolation(levels, np.zeros(5), np.zeros(5))
    vectors = small_vae((6,))
    for draw in (kv.plots.latent_manifold, lambda vae: kv.plots.interpolation(vae, Z, Z)):
        with pytest.raises(ValueError, match="`vae` must be a model of images.* Received: observations of shape .6,."):
            draw(vectors)
    for draw in (kv.plots.latent_manifold, lambda vae: kv.plots.interpolation(vae, Z, Z)):
        with pytest.raises(TypeError, match="`vae` must be a model of `keras_vae`. Received"):
            draw("vae")


@pytest.mark.parametrize("num", [2, 20])
def test_words_stay_within_the_picture(colour, num):
    figure = kv.plots.latent_manifold(colour, num, spacing="normal", title="a title")
    height, width, _ = rendered(figure).shape
    (axes,) = figure.axes
    marks = [*axes.get_xticklabels(), *axes.get_yticklabels()]
    for text in (axes._left_title, axes.xaxis.label, axes.yaxis.label, *marks):
        box = text.get_window_extent()
        assert box.x0 >= 2 and box.y0 >= 2
        assert box.x1 <= width - 2 and box.y1 <= height - 2
