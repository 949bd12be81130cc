"""The tail of importance weights: against SciPy's distribution, against ArviZ, and against what errors really are."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

import keras_vae as kv
from keras_vae.evaluation.log_evidence import estimate_evidence
from keras_vae.evaluation.pareto import LargestWeights, fit_generalized_pareto, highest_k, tail_length
from tests.linear_gaussian import LinearGaussian, linear_vae, set_posterior

QUANTILES = (np.arange(1000) + 0.5) / 1000


def pareto_k(log_weights, chunk=None):
    """Take weights chunk by chunk and return the shape of their tail, for each row."""
    log_weights = np.atleast_2d(log_weights)
    largest = LargestWeights(len(log_weights), log_weights.shape[1])
    for start in range(0, log_weights.shape[1], chunk or log_weights.shape[1]):
        largest.add(slice(None), log_weights[:, start : start + (chunk or log_weights.shape[1])])
    return largest.pareto_k()


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.3, 0.7, 1.2])
def test_the_fit_finds_the_shape_and_scale_of_scipys_generalized_pareto(shape):
    draws = scipy.stats.genpareto.rvs(shape, scale=2.0, size=(400, 200), random_state=1)
    shapes, scales = fit_generalized_pareto(np.sort(draws, axis=1))
    # The prior is ten more observations of 1/2; for shapes > -1/2 the deviation is (1 + k) / sqrt(n) (Smith 1987).
    expected, deviation = (200 * shape + 10 * 0.5) / 210, (1 + shape) / np.sqrt(200)
    assert np.mean(shapes) == pytest.approx(expected, abs=0.03)
    assert np.std(shapes) == pytest.approx(deviation, rel=0.3)
    assert np.mean(scales) == pytest.approx(2.0, rel=0.03)


@pytest.mark.parametrize(
    ("log_weights", "expected"),
    [
        (-0.3 * np.log1p(-QUANTILES), 0.3235606438260692),
        (-0.7 * np.log1p(-QUANTILES), 0.6706577683143559),
        (-1.2 * np.log1p(-QUANTILES), 1.1046739292502503),
        (2 * scipy.special.ndtri(QUANTILES), 0.6664972902740932),
        (np.log(QUANTILES), -0.8192112494404742),
        (-0.7 * np.log1p(-(np.arange(60) + 0.5) / 60), 0.5764101252763711),
    ],
    ids=["pareto_0.3", "pareto_0.7", "pareto_1.2", "log_normal", "bounded", "few"],
)
def test_k_is_that_of_arviz(log_weights, expected):
    # `arviz.psislw` of ArviZ 0.20.0
    assert pareto_k(log_weights)[0] == pytest.approx(expected, rel=1e-9)
    shuffled = np.random.default_rng(0).permutation(log_weights) - 2000.0
    assert pareto_k(shuffled, chunk=7)[0] == pytest.approx(expected, rel=1e-6)


def test_rows_are_fitted_each_for_itself():
    log_weights = np.random.default_rng(0).standard_t(3, size=(250, 100))
    rows = np.concatenate([pareto_k(row) for row in log_weights])
    np.testing.assert_allclose(pareto_k(log_weights), rows, rtol=1e-12)


@pytest.mark.parametrize(
    ("num_samples", "length"), [(1, 0), (20, 0), (21, 5), (100, 20), (5000, 213), (10**6, 500), (10**9, 500)]
)
def test_the_tail_is_a_bounded_number_of_weights(num_samples, length):
    assert tail_length(num_samples) == length
    assert LargestWeights(3, num_samples).log_weights.shape == (3, length + 1 if length else 0)


def test_weights_without_a_tail():
    assert np.isnan(pareto_k(np.zeros((2, 20)))).all()  # too few
    assert np.isneginf(pareto_k(np.full((2, 1000), -300.0))).all()
    rounded = -300.0 + 1e-13 * np.random.default_rng(0).normal(size=(2, 1000))
    assert np.isneginf(pareto_k(rounded)).all()
    assert np.isnan(pareto_k(np.full((2, 1000), -np.inf))).all()
    two_values = np.where(np.arange(1000) < 3, 0.0, -1.0)  # three above the rest: too few to fit
    assert np.isnan(pareto_k(two_values)).all()


def test_fewer_samples_are_trusted_with_lighter_tails_only():
    assert highest_k(5000) == highest_k(10**6) == 0.7
    assert highest_k(100) == pytest.approx(0.5)
    assert np.isnan(highest_k(1))


def test_k_tells_where_the_stated_error_is_too_small():
    # With q of w times the exact deviation along each axis, weights have Pareto k = 1 - w^2 for w < 1, and none above.
    model = LinearGaussian.draw(event_size=4, latent_dim=2, scale=0.9)
    vae, x = linear_vae(model, kv.posteriors.FullCovarianceGaussian), model.sample(30, seed=1)

    def evaluate(widening):
        set_posterior(vae, model, widening=widening)
        found = [estimate_evidence(vae, x, 500, "importance", seed=seed) for seed in range(20)]
        spread = np.std([one.log_evidence for one in found], axis=0, ddof=1)
        stated = np.sqrt(np.mean([one.standard_error**2 for one in found], axis=0))
        k = np.array([one.pareto_k for one in found])
        return np.sqrt(np.mean(spread**2) / np.mean(stated**2)), np.mean(k > highest_k(500)), np.mean(k)

    ratio, share, _ = evaluate(1.5)
    assert ratio == pytest.approx(1.0, abs=0.1) and share < 0.01
    ratio, share, k = evaluate(0.4)
    assert ratio > 1.2 and share > 0.6
    assert k == pytest.approx(1 - 0.4**2, abs=0.1)
