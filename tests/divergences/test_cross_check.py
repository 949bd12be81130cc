"""The closed form and Monte Carlo, side by side."""

import numpy as np
import pytest
import scipy.stats
import tensorflow_probability as tfp

import keras_vae as kv
from keras_vae.divergences import cross_check

tfd = tfp.distributions


def pair(batch=6):
    generator = np.random.default_rng(0)
    posterior = tfd.Independent(tfd.Normal(generator.normal(size=(batch, 2)), np.full(2, 0.5)), 1)
    return posterior, tfd.Independent(tfd.Normal(np.zeros(2), np.ones(2)), 1)


@pytest.mark.parametrize("seed", range(3))
def test_the_difference_is_within_four_of_its_standard_errors(seed):
    result = cross_check(*pair(), num_samples=5_000, seed=seed)
    assert np.all(np.abs(result.difference) < 4 * result.standard_error.numpy())


@pytest.mark.parametrize(("num_samples", "beyond"), [(2, 6), (10, 300), (100, 8_000), (10**6, 16_000)])
def test_few_samples_exceed_four_standard_errors_as_often_as_students_t(num_samples, beyond):
    assert 1 / (2 * scipy.stats.t.sf(4, num_samples - 1)) == pytest.approx(beyond, rel=0.1)
    if num_samples <= 10:
        # Of Gaussians of one scale the log ratio is Gaussian, and so Student's t is exact.
        posterior, prior = (
            tfd.Independent(tfd.Normal(np.full((4_000, 1), mean), np.ones((4_000, 1))), 1) for mean in (1.5, 0.0)
        )
        result = cross_check(posterior, prior, num_samples=num_samples, seed=0)
        units = result.difference / result.standard_error
        assert scipy.stats.kstest(units, scipy.stats.t(num_samples - 1).cdf).pvalue > 1e-3


def test_each_entry_is_what_its_name_says():
    posterior, prior = pair()
    result = cross_check(posterior, prior, num_samples=50, seed=3)
    ratios = posterior.log_prob(z := posterior.sample(50, seed=np.int32([3, 0]))) - prior.log_prob(z)
    np.testing.assert_allclose(result.closed_form, kv.divergences.closed_form_kl(posterior, prior))
    np.testing.assert_allclose(result.monte_carlo, np.mean(ratios, axis=0), rtol=1e-12)
    np.testing.assert_allclose(result.difference, result.monte_carlo - result.closed_form)
    np.testing.assert_allclose(result.standard_error, np.std(ratios, axis=0, ddof=1) / np.sqrt(50), rtol=1e-10)


def test_a_wrong_closed_form_would_be_found():
    # The same samples against a prior that is 1 % wider: many standard errors for many samples.
    posterior, prior = pair()
    wrong = tfd.Independent(tfd.Normal(np.zeros(2), np.full(2, 1.01)), 1)
    result = cross_check(posterior, prior, num_samples=100_000, seed=0)
    off = kv.divergences.closed_form_kl(posterior, wrong)
    assert np.max(np.abs(result.monte_carlo - off) / result.standard_error) > 4


def test_a_standard_error_needs_two_samples():
    with pytest.raises(ValueError, match=r"`num_samples` must be >= 2. Received: num_samples=1"):
        cross_check(*pair(), num_samples=1)


def test_a_pair_without_a_closed_form_is_refused():
    posterior, _ = pair()
    laplace = tfd.Independent(tfd.Laplace(np.zeros(2), np.ones(2)), 1)
    with pytest.raises(NotImplementedError, match=r"Independent\(Normal\) and Independent\(Laplace\)"):
        cross_check(posterior, laplace)
