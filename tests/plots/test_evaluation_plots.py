"""Rate against distortion, and KL by dimension: the right points, named."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats

import keras_vae as kv
from tests.plots.helpers import rendered, words


def point(beta, rate, distortion):
    return SimpleNamespace(beta=beta, rate=rate, distortion=distortion)


POINTS = [point(4.0, 4.0, 36.0), point(0.5, 22.0, 13.0), point(1.0, 15.0, 18.0)]


def test_points_are_joined_in_order_of_beta_and_named():
    figure = kv.plots.rate_distortion(POINTS, title="digits")
    line = figure.axes[0].get_lines()[0]
    np.testing.assert_array_equal(line.get_xdata(), [22.0, 15.0, 4.0])
    np.testing.assert_array_equal(line.get_ydata(), [13.0, 18.0, 36.0])
    assert {"digits", "$\\beta$ = 0.5", "$\\beta$ = 1", "$\\beta$ = 4", "elbo -33.0", "elbo -40.0"} <= set(
        words(figure)
    )
    assert rendered(figure).shape == (630, 840, 3)


def test_dashed_lines_have_a_constant_elbo_through_the_best_and_the_worst():
    sums = {
        round(float(x + y), 6)
        for line in kv.plots.rate_distortion(POINTS).axes[0].get_lines()[1:]
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }
    assert sums == {33.0, 40.0}


def test_one_point_is_a_picture_too():
    assert rendered(kv.plots.rate_distortion(POINTS[:1])).std() > 0


@pytest.mark.parametrize("points", [[], [point(1.0, float("nan"), 2.0)]])
def test_what_is_no_sweep_is_refused(points):
    with pytest.raises(ValueError, match="`points` must hold at least one point, of finite numbers. Received"):
        kv.plots.rate_distortion(points)


def bars(axes):
    return [bar.get_height() for bar in axes.patches]


def test_dimensions_are_sorted_and_those_that_carry_nothing_stand_apart():
    figure = kv.plots.kl_per_dimension([0.5, 0.005, 2.0], title="digits")
    (axes,) = figure.axes
    assert bars(axes) == [2.0, 0.5, 0.005]
    assert axes.get_yscale() == "log"
    colours = [bar.get_facecolor() for bar in axes.patches]
    assert colours[0] == colours[1] != colours[2]
    assert {"digits", "2 of 3 dimensions above 0.01 nats, 2.50 nats in all"} <= set(words(figure))


def test_each_bar_has_the_number_of_its_column_where_there_is_room():
    (axes,) = kv.plots.kl_per_dimension([0.5, 0.005, 2.0]).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "0", "1"]
    assert axes.get_xlabel() == "latent dimension (column of z, from 0), the largest first"
    (axes,) = kv.plots.kl_per_dimension(np.linspace(0.1, 1.0, 33)).axes
    assert axes.get_xlabel() == "latent dimension, by rank"
    np.testing.assert_allclose(bars(axes), np.linspace(1.0, 0.1, 33))


def test_each_level_with_numbers_has_a_panel():
    figure = kv.plots.kl_per_dimension((np.array([1.0, 0.1]), None, np.zeros(3)))
    assert [len(axes.patches) for axes in figure.axes] == [2, 3]
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[0].startswith("level 1: 2 of 2") and titles[1].startswith("level 3: 0 of 3")
    assert rendered(figure).std() > 0


def test_the_result_of_an_evaluation_of_one_level_is_taken_as_it_is():
    figure = kv.plots.kl_per_dimension((np.array([1.0, 0.1]),))
    assert bars(figure.axes[0]) == [1.0, 0.1]


@pytest.mark.parametrize("kl", [[], [None], [float("inf")], np.zeros((2, 2)), (np.zeros(0),)])
def test_what_is_no_divergence_is_refused(kl):
    with pytest.raises(ValueError, match="`kl` must hold finite numbers of shape \\(latent_dim,\\)"):
        kv.plots.kl_per_dimension(kl)


def dots(figure):
    """Return each row's name with the place of its dot and half the length of its bar."""
    (axes,) = figure.axes
    found = {}
    for (line, _, bars), label in zip(axes.containers, axes.get_yticklabels(), strict=True):
        (left, _), (right, _) = bars[0].get_segments()[0] if bars else ((0.0, 0.0), (0.0, 0.0))
        assert list(line.get_ydata()) == [label.get_position()[1]]
        found[label.get_text()] = (float(line.get_xdata()[0]), (right - left) / 2)
    return found


def test_bounds_are_in_order_with_their_standard_errors():
    generator = np.random.default_rng(0)
    evidence = generator.normal(-90.0, 10.0, 50)
    elbo = evidence - 3.0 + 0.1 * generator.normal(size=50)
    figure = kv.plots.bounds({"evidence": evidence, "elbo": elbo}, exact=-89.5, title="bounds")
    found = dots(figure)
    assert list(found) == ["elbo", "evidence"]
    for name, values in (("elbo", elbo), ("evidence", evidence)):
        np.testing.assert_allclose(found[name], (values.mean(), scipy.stats.sem(values)))
    gap = evidence - elbo
    assert {
        "bounds",
        "exact: \N{MINUS SIGN}89.50",
        f"\N{MINUS SIGN}{-evidence.mean():.2f} ± {scipy.stats.sem(evidence):.2f}",
        f"\N{MINUS SIGN}{-elbo.mean():.2f} ± {scipy.stats.sem(elbo):.2f}   "
        f"{gap.mean():.2f} ± {scipy.stats.sem(gap):.2f} below",
        "nats per example; bars are one standard error",
    } <= set(words(figure))
    assert rendered(figure).std() > 0


def test_numbers_are_bounds_too_with_the_standard_errors_given():
    figure = kv.plots.bounds({"elbo": -2.0, "evidence": -1.0}, standard_errors={"elbo": 0.25, "rate": 3.0})
    assert dots(figure) == {"elbo": (-2.0, 0.25), "evidence": (-1.0, 0.0)}
    assert {"\N{MINUS SIGN}2.00 ± 0.25", "\N{MINUS SIGN}1.00"} <= set(words(figure))


@pytest.mark.parametrize("estimates", [{}, [1.0], {"a": [np.nan]}, {"a": np.zeros((2, 2))}, {"a": []}])
def test_what_is_no_bound_is_refused(estimates):
    with pytest.raises(
        ValueError, match="`estimates` must map names to finite numbers, or to arrays of them.* Received"
    ):
        kv.plots.bounds(estimates)


def test_standard_errors_and_exact_values_of_another_kind_are_refused():
    with pytest.raises(ValueError, match=r"`standard_errors\['a'\]` must be >= 0. Received"):
        kv.plots.bounds({"a": 1.0}, standard_errors={"a": -1.0})
    with pytest.raises(ValueError, match="`exact` must be a finite number. Received"):
        kv.plots.bounds({"a": 1.0}, exact=np.inf)
