"""The sweep of beta, on a model whose optimum at every beta is known."""

import numpy as np
import pytest

import keras_vae as kv
from keras_vae.evaluation import rate_distortion
from tests.linear_gaussian import LinearGaussian, linear_vae, set_posterior

MODEL = LinearGaussian.draw(orthogonal=True)
X = MODEL.sample(400, seed=1)
BETAS = (4.0, 0.25, 1.0)


def at_the_optimum(beta):
    """Return the model with the posterior that is best at this beta: that of a model of softer noise."""
    vae = linear_vae(MODEL, kv.posteriors.DiagonalGaussian)
    set_posterior(vae, MODEL.rescaled(np.sqrt(beta)))
    return vae


def test_points_are_the_exact_models_and_come_in_order_of_beta():
    points = rate_distortion(at_the_optimum, X, BETAS, elbo_samples=200, seed=0)
    assert [point.beta for point in points] == [0.25, 1.0, 4.0]
    for point in points:
        softer = MODEL.rescaled(np.sqrt(point.beta))
        covariance = np.broadcast_to(softer.posterior_covariance, (400, 3, 3))
        elbo = MODEL.elbo(X, softer.posterior_mean(X), covariance).mean()
        variances, means = np.diag(softer.posterior_covariance), softer.posterior_mean(X)
        rate = 0.5 * np.sum(variances + np.square(means).mean(axis=0) - 1 - np.log(variances))
        assert point.rate == pytest.approx(rate, rel=1e-9)
        assert point.elbo == pytest.approx(elbo, abs=0.05)
        assert point.elbo == pytest.approx(-point.rate - point.distortion)
    rates, distortions = zip(*((point.rate, point.distortion) for point in points), strict=True)
    assert rates[0] > rates[1] > rates[2]
    assert distortions[0] < distortions[1] < distortions[2]
    assert max(points, key=lambda point: point.elbo).beta == 1.0


def test_trained_models_may_be_given_as_they_are():
    models = {beta: at_the_optimum(beta) for beta in BETAS}
    assert rate_distortion(models, X, seed=0) == rate_distortion(at_the_optimum, X, BETAS, seed=0)
    assert len(rate_distortion(models, X, (1.0,), seed=0)) == 1


@pytest.mark.parametrize(
    ("models", "betas", "error", "message"),
    [
        ([1, 2], None, TypeError, "`models` must be a mapping .*, or a function that trains one. Received: list"),
        (at_the_optimum, None, ValueError, "`betas` must hold at least one beta. Received: none"),
        ({}, None, ValueError, "`betas` must hold at least one beta"),
        (at_the_optimum, (-1.0,), ValueError, "`betas` must be >= 0. Received: betas=-1.0"),
        (lambda beta: None, (1.0,), TypeError, "`vae` must be a model of `keras_vae`"),
    ],
)
def test_bad_arguments_are_refused(models, betas, error, message):
    with pytest.raises(error, match=message):
        rate_distortion(models, X, betas)
