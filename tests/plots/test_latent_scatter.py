"""The latent space as a picture: the right points, axes that say what they are."""

import numpy as np
import pytest

import keras_vae as kv
from tests.plots.helpers import rendered, words
from tests.soaked import soaked


def points(figure):
    (collection,) = figure.axes[0].collections
    return np.asarray(collection.get_offsets())


def test_two_dimensions_are_shown_as_they_are():
    z = np.random.default_rng(0).normal(size=(50, 2))
    figure = kv.plots.latent_scatter(z, title="codes")
    np.testing.assert_array_equal(points(figure), z)
    assert {"$z_1$", "$z_2$", "codes"} <= set(words(figure))
    assert rendered(figure).shape == (780, 960, 3)


def test_more_dimensions_are_shown_by_principal_components_with_their_share():
    generator = np.random.default_rng(1)
    z = generator.normal(size=(400, 5)) @ generator.normal(size=(5, 5)) + 3.0
    figure = kv.plots.latent_scatter(z)
    # The oracle: eigenvalues of the covariance matrix.
    values, vectors = np.linalg.eigh(np.cov(z, rowvar=False))
    shown = points(figure)
    for column in (0, 1):
        expected = (z - z.mean(axis=0)) @ vectors[:, -1 - column]
        assert abs(np.corrcoef(shown[:, column], expected)[0, 1]) == pytest.approx(1.0)
        np.testing.assert_allclose(shown[:, column].var(ddof=1), values[-1 - column])
    shares = values[::-1][:2] / values.sum()
    names = [f"principal component {i + 1} ({share:.0%} of the variance)" for i, share in enumerate(shares)]
    assert [figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()] == names


@pytest.mark.parametrize("z", [np.ones((5, 3)), np.ones((1, 4))], ids=["collapsed", "one code"])
def test_codes_that_do_not_vary_are_shown_at_the_centre(z):
    figure = kv.plots.latent_scatter(z)
    np.testing.assert_array_equal(points(figure), np.zeros((len(z), 2)))
    assert "(0% of the variance)" in figure.axes[0].get_xlabel()


def test_each_class_has_its_colour_and_its_name():
    z = np.random.default_rng(0).normal(size=(30, 2))
    labels = np.arange(30) % 3
    figure = kv.plots.latent_scatter(z, labels, ("shoe", "bag", "coat"))
    colours = figure.axes[0].collections[0].get_facecolors()
    assert len(np.unique(colours, axis=0)) == 3
    for label in range(3):
        assert len(np.unique(colours[labels == label], axis=0)) == 1
    assert legend(figure) == ["shoe", "bag", "coat"]
    for handle, label in zip(figure.axes[0].get_legend().legend_handles, range(3), strict=True):
        np.testing.assert_allclose(_rgb(handle.get_color()), colours[label, :3])


def _rgb(colour):
    from matplotlib.colors import to_rgb

    return to_rgb(colour)


def test_twenty_classes_have_twenty_colours():
    figure = kv.plots.latent_scatter(np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 20)
    assert len(np.unique(figure.axes[0].collections[0].get_facecolors(), axis=0)) == 20


def test_one_dimension_is_a_strip_for_each_class():
    z, labels = np.linspace(-1, 1, 20)[:, None], np.arange(20) % 2
    figure = kv.plots.latent_scatter(z, labels, ("even", "odd"))
    np.testing.assert_array_equal(points(figure)[:, 0], z[:, 0])
    np.testing.assert_array_equal(np.round(points(figure)[:, 1]), labels)
    assert {"even", "odd", "$z_1$"} <= set(words(figure))


def test_one_dimension_without_labels_is_a_histogram():
    figure = kv.plots.latent_scatter(np.linspace(-1, 1, 20)[:, None])
    assert sum(bar.get_height() for bar in figure.axes[0].patches) == 20
    assert {"$z_1$", "examples in a bin"} <= set(words(figure))


def legend(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_names_are_labels_in_alphabetical_order_or_in_that_of_the_classes():
    z, labels = np.random.default_rng(0).normal(size=(6, 2)), ["shoe", "bag", "shoe", "coat", "bag", "coat"]
    assert legend(kv.plots.latent_scatter(z, labels)) == ["bag", "coat", "shoe"]
    figure = kv.plots.latent_scatter(z, labels, ["shoe", "bag", "coat"])
    assert legend(figure) == ["shoe", "bag", "coat"]
    as_numbers = kv.plots.latent_scatter(z, [0, 1, 0, 2, 1, 2], ["shoe", "bag", "coat"])
    colours = [each.axes[0].collections[0].get_facecolors() for each in (figure, as_numbers)]
    np.testing.assert_array_equal(*colours)


@pytest.mark.parametrize("kind", [float, np.uint8, object])
def test_classes_may_come_as_numbers_of_any_kind(kind):
    labels = np.array([0, 2, 1, 2]).astype(kind)
    assert legend(kv.plots.latent_scatter(np.eye(4)[:, :2], labels)) == ["0", "1", "2"]


def test_truth_values_are_two_classes():
    z = np.eye(3)[:, :2]
    assert legend(kv.plots.latent_scatter(z, [True, False, True])) == ["False", "True"]
    assert legend(kv.plots.latent_scatter(z, [True, False, True], ["bare", "glasses"])) == ["bare", "glasses"]


@pytest.mark.parametrize("labels", [[0.5, -1.0, 2.25], [-1, 0, 7]], ids=["fractions", "below zero"])
def test_numbers_that_are_no_classes_have_a_bar_of_colours(labels):
    figure = kv.plots.latent_scatter(np.eye(3), labels)
    plane, bar = figure.axes
    np.testing.assert_array_equal(plane.collections[0].get_array(), labels)
    assert bar.get_ylim() == (min(labels), max(labels))
    strip = kv.plots.latent_scatter(np.eye(3)[:, :1], labels)
    np.testing.assert_array_equal(points(strip), np.stack([[1.0, 0.0, 0.0], labels], axis=1))


def outside(figure):
    """Return how far what is drawn runs off the figure, in dots."""
    rendered(figure)
    box, page = figure.get_tightbbox(), figure.bbox_inches
    return max(page.x0 - box.x0, box.x1 - page.x1, page.y0 - box.y0, box.y1 - page.y1) * figure.dpi


@pytest.mark.parametrize("dimensions", [1, 2])
@pytest.mark.parametrize("num_classes", soaked([2, 40, 72, 200], quick=[2, 72]))
def test_many_classes_stay_on_the_page(num_classes, dimensions):
    z = np.random.default_rng(0).normal(size=(2 * num_classes, dimensions))
    names = [f"a class with number {number}" for number in range(num_classes)]
    figure = kv.plots.latent_scatter(z, np.arange(len(z)) % num_classes, names)
    assert outside(figure) <= 1.0
    shown = legend(figure) if figure.axes[0].get_legend() else [name for name in words(figure) if name in names]
    assert shown == names if num_classes < 100 or dimensions == 1 else shown == names[:1] + shown[1:-1] + names[-1:]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros(3),), "`z` must have shape \\(n, latent_dim\\).* Received: an array of shape \\(3,\\)"),
        ((np.zeros((0, 2)),), "n >= 1. Received: an array of shape \\(0, 2\\)"),
        ((np.full((2, 2), np.inf),), "`z` must be finite. Received: NaN or infinity"),
        ((np.zeros((3, 2)), [0, 1]), "`labels` must have shape \\(3,\\).* Received: int64 of shape \\(2,\\)"),
        ((np.zeros((2, 2)), [0.0, np.nan]), "`labels` must be finite, or names. Received: NaN"),
        ((np.zeros((2, 2)), [0.5, 1.0], ["a", "b"]), "`labels` must be whole .* Received: float64 from 0.5 to 1"),
        ((np.zeros((2, 2)), ["a", "c"], ["a", "b"]), "must name each class in `labels`. Received: none of \\['c'\\]"),
        ((np.zeros((2, 2)), [0, 2], ["a", "b"]), "`class_names` must name each of 3 classes. Received: 2 names"),
        ((np.zeros((2, 2)), None, ["a"]), "`class_names` must come with `labels`. Received: class_names alone"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kv.plots.latent_scatter(*arguments)
