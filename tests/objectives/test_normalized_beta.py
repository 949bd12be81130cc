"""Conversions between beta on sums and beta on averages."""

import numpy as np
import pytest

from keras_vae.objectives import beta_from_normalized, normalized_beta

SHAPES = {"latent_dim": 16, "event_shape": (28, 28, 1)}


def test_it_is_beta_times_latent_dimensions_over_event_dimensions():
    assert normalized_beta(4.0, **SHAPES) == pytest.approx(4.0 * 16 / 784, rel=1e-15)
    assert normalized_beta(0, **SHAPES) == 0.0


@pytest.mark.parametrize("beta", [0.0, 0.3, 1, 250.0])
def test_each_conversion_undoes_the_other(beta):
    assert beta_from_normalized(normalized_beta(beta, **SHAPES), **SHAPES) == pytest.approx(beta, rel=1e-14)
    assert normalized_beta(beta_from_normalized(beta, **SHAPES), **SHAPES) == pytest.approx(beta, rel=1e-14)


def test_it_is_the_weight_that_makes_averages_proportional_to_sums():
    generator = np.random.default_rng(0)
    distortions, rates = generator.random((5, 784)), generator.random((5, 16))
    on_sums = distortions.sum(axis=1) + 4.0 * rates.sum(axis=1)
    on_averages = distortions.mean(axis=1) + normalized_beta(4.0, **SHAPES) * rates.mean(axis=1)
    # one constant factor between the two, so the optimum is the same
    np.testing.assert_allclose(on_sums / on_averages, np.full(5, 784.0), rtol=1e-12)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (normalized_beta, {"beta": -1.0}, r"`beta` must be >= 0. Received: beta=-1.0"),
        (normalized_beta, {"beta": 1.0, "latent_dim": 0}, r"`latent_dim` must be >= 1. Received: latent_dim=0"),
        (normalized_beta, {"beta": 1.0, "event_shape": ()}, r"`event_shape` must be a tuple of positive integers"),
        (beta_from_normalized, {"normalized": -1.0}, r"`normalized` must be >= 0. Received: normalized=-1.0"),
        (beta_from_normalized, {"normalized": 1.0, "latent_dim": 1.5}, r"`latent_dim` must be an integer"),
        (beta_from_normalized, {"normalized": 1.0, "event_shape": 5}, r"`event_shape` must be a tuple"),
    ],
)
def test_arguments_out_of_range_are_refused(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(**{**SHAPES, **arguments})
