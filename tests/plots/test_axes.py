"""Plots of one picture draw on axes that they are given, and leave the figure to its owner."""

import inspect

import numpy as np
import pytest
import tensorflow_probability as tfp
from matplotlib.figure import Figure

import keras_vae as kv
from keras_vae.evaluation import RateDistortionPoint
from tests.models.conftest import small_vae
from tests.plots.helpers import rendered

tfd = tfp.distributions
IMAGES = np.random.default_rng(0).random((6, 8, 8, 1)).astype("float32")
PLOTS = {
    "bounds": lambda **options: kv.plots.bounds({"elbo": -2.0, "evidence": -1.0}, **options),
    "interpolation": lambda **options: kv.plots.interpolation(small_vae((8, 8, 1)), IMAGES[0], IMAGES[1], **options),
    "kl_agreement": lambda **options: kv.plots.kl_agreement(
        tfd.MultivariateNormalDiag(np.ones((4, 2))), tfd.MultivariateNormalDiag(np.zeros(2)), seed=0, **options
    ),
    "kl_per_dimension": lambda **options: kv.plots.kl_per_dimension([0.5, 0.001], **options),
    "latent_manifold": lambda **options: kv.plots.latent_manifold(small_vae((8, 8, 1)), 3, **options),
    "latent_scatter": lambda **options: kv.plots.latent_scatter(np.eye(3), [0, 1, 2], **options),
    "rate_distortion": lambda **options: kv.plots.rate_distortion(
        [RateDistortionPoint(1.0, 2.0, 3.0, -5.0)], **options
    ),
    "reconstructions": lambda **options: kv.plots.reconstructions(IMAGES, IMAGES, **options),
    "samples": lambda **options: kv.plots.samples(IMAGES, **options),
}
plots = pytest.mark.parametrize("name", PLOTS)


def test_every_plot_that_takes_axes_is_here():
    takes = {name for name in kv.plots.__all__ if "ax" in inspect.signature(getattr(kv.plots, name)).parameters}
    assert takes == set(PLOTS) == set(kv.plots.__all__) - {"history", "interpolation_gif", "show"}


@plots
def test_given_axes_hold_the_picture_of_the_figure_of_its_own(name):
    figure = Figure(layout="constrained")
    left, right = figure.subplots(1, 2)
    assert PLOTS[name](ax=right, title="right") is right
    assert not left.has_data() and right.has_data()
    (own, *_) = PLOTS[name](title="right").axes
    for kind in ("get_lines", "get_images", "get_xlabel", "get_ylabel"):
        given, alone = (getattr(axes, kind)() for axes in (right, own))
        assert str(given) == str(alone) if isinstance(given, str) else len(given) == len(alone)
    assert "right" in right.get_title(loc="left") + right.get_title()
    assert rendered(figure).std() > 0


@plots
def test_what_are_no_axes_is_refused(name):
    with pytest.raises(TypeError, match=r"`ax` must be one of matplotlib's Axes.* Received: .*Figure"):
        PLOTS[name](ax=Figure())


def test_levels_have_no_room_on_one_pair_of_axes():
    with pytest.raises(ValueError, match=r"`ax` must come with one level: .* Received: 2 levels"):
        kv.plots.kl_per_dimension(([1.0], [2.0]), ax=Figure().subplots())
