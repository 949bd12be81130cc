"""Monte Carlo against the closed form: points on a line that was not fitted to them."""

import sys

import numpy as np
import pytest
import tensorflow_probability as tfp

import keras_vae as kv
from tests.plots.helpers import rendered, words

tfd = tfp.distributions


def pair(batch=60, latent_dim=3):
    generator = np.random.default_rng(0)
    mean = generator.normal(size=(batch, latent_dim)).astype(np.float32)
    scale = generator.uniform(0.3, 1.0, size=(batch, latent_dim)).astype(np.float32)
    posterior = tfd.Independent(tfd.Normal(mean, scale), 1)
    prior = tfd.Independent(tfd.Normal(np.zeros(latent_dim, np.float32), 1.0), 1)
    # log q - log p = sum_j (mean + scale eps)^2 / 2 - eps^2 / 2 + constant, whose variance is
    variance = (mean**2 * scale**2 + (scale**2 - 1.0) ** 2 / 2.0).sum(axis=1)
    return posterior, prior, np.sqrt(variance.mean())


def parts(figure):
    """Return numbers of samples, points, half bars, and the line."""
    (axes,) = figure.axes
    (points, _, bars) = axes.containers[0]
    segments = np.array(bars[0].get_segments())
    (line,) = [line for line in axes.get_lines() if line.get_linestyle() == "-"]
    return (
        np.array(points.get_xdata(), float),
        points.get_ydata(),
        (segments[:, 1, 1] - segments[:, 0, 1]) / 2,
        line.get_ydata(),
    )


def test_the_line_is_the_standard_error_and_the_points_lie_on_it():
    posterior, prior, deviation = pair()
    figure = kv.plots.kl_agreement(posterior, prior, num_samples=(1, 10, 100, 1000), seed=0)
    numbers, points, bars, line = parts(figure)
    np.testing.assert_array_equal(numbers, [1, 10, 100, 1000])
    np.testing.assert_allclose(line, deviation / np.sqrt(numbers), rtol=0.05)
    assert (np.abs(points - line) < 4.0 * bars).all()
    assert (bars < 0.3 * points).all()
    assert {
        "samples of q(z|x) for each example, n",
        "error of the Monte-Carlo KL, nats",
        "root mean square over 60 examples",
    } <= set(words(figure))
    assert rendered(figure).shape == (600, 840, 3)


def test_bounded_memory_changes_nothing_but_the_noise(monkeypatch):
    posterior, prior, _ = pair()
    monkeypatch.setattr(sys.modules["keras_vae.plots.kl_agreement"], "_NUMBERS", 7 * 60 * 3)
    _, points, bars, line = parts(kv.plots.kl_agreement(posterior, prior, num_samples=(5, 100), seed=0))
    assert (np.abs(points - line) < 4.0 * bars + 0.3 * line).all()


def test_a_wrong_closed_form_leaves_the_line(monkeypatch):
    posterior, prior, _ = pair()
    module = sys.modules["keras_vae.divergences.cross_check"]
    right = module.closed_form_kl
    monkeypatch.setattr(module, "closed_form_kl", lambda posterior, prior: 1.1 * right(posterior, prior))
    _, points, bars, line = parts(kv.plots.kl_agreement(posterior, prior, num_samples=(10, 3000), seed=0))
    assert points[-1] - line[-1] > 4.0 * bars[-1]


def test_one_seed_gives_one_picture_and_one_example_has_no_bars():
    posterior, prior, _ = pair(batch=1)
    figures = [kv.plots.kl_agreement(posterior, prior, num_samples=(2, 20), seed=1, title="t") for _ in range(2)]
    np.testing.assert_array_equal(*map(rendered, figures))
    assert {"t", "of one example"} <= set(words(figures[0]))


def test_bad_arguments_are_refused():
    posterior, prior, _ = pair(batch=2)
    with pytest.raises(ValueError, match="`num_samples` must hold a number of at least 2. Received: "):
        kv.plots.kl_agreement(posterior, prior, num_samples=(1,))
    with pytest.raises(ValueError, match="`num_samples` must be >= 1. Received: num_samples=0"):
        kv.plots.kl_agreement(posterior, prior, num_samples=(0, 5))
    mixture = kv.priors.GaussianMixture(2)
    mixture.build((None, 3))
    with pytest.raises(NotImplementedError, match="There is no closed form"):
        kv.plots.kl_agreement(posterior, mixture.distribution())
