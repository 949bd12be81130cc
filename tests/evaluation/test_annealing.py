"""Annealed importance sampling and its sandwich against a model whose evidence is exact."""

import numpy as np
import pytest

import keras_vae as kv
from keras_vae.core import Batch
from keras_vae.evaluation import ais_sandwich, execution, log_evidence
from keras_vae.evaluation.annealing import Annealing, sigmoid_betas
from keras_vae.evaluation.log_evidence import estimate_evidence
from tests.linear_gaussian import LinearGaussian, linear_vae, set_posterior
from tests.oracles import assert_mean_within_standard_errors
from tests.soaked import soaked

MODEL = LinearGaussian.draw(event_size=6, latent_dim=4, scale=0.4)
PATH = {"num_steps": 100, "num_leapfrog_steps": 5}
X = MODEL.sample(12, seed=1)

starts = pytest.mark.parametrize("start", soaked(["prior", "posterior"], quick=["prior"]))


@pytest.fixture(scope="module")
def vae():
    """Return the exact model with a posterior of twice the exact width."""
    vae = linear_vae(MODEL, kv.posteriors.FullCovarianceGaussian)
    set_posterior(vae, MODEL, widening=2.0)
    return vae


@starts
def test_chains_up_the_path_estimate_the_evidence_without_bias(vae, start):
    found = estimate_evidence(vae, X, 64, "ais", seed=0, start=start, **PATH)
    assert found.standard_error.max() < 0.5
    ratios = np.exp(found.log_evidence - MODEL.log_evidence(X))
    assert np.all(np.abs(ratios - 1.0) < 5 * found.standard_error * np.maximum(ratios, 1.0))
    assert_mean_within_standard_errors(ratios, 1.0)


def test_annealing_is_nearer_than_as_many_samples_of_the_prior(vae):
    exact = MODEL.log_evidence(X)
    annealed = np.abs(log_evidence(vae, X, 16, "ais", seed=0, **PATH) - exact).mean()
    assert annealed < 0.3 < 3.0 < np.abs(log_evidence(vae, X, 16, "prior", seed=0) - exact).mean()


@pytest.mark.soak
def test_from_the_exact_posterior_every_chain_is_exact():
    vae = linear_vae(MODEL, kv.posteriors.FullCovarianceGaussian)
    set_posterior(vae, MODEL)
    found = log_evidence(vae, X, 2, "ais", seed=0, start="posterior", num_steps=5)
    np.testing.assert_allclose(found, MODEL.log_evidence(X), rtol=1e-9)
    sandwich = ais_sandwich(vae, 5, num_chains=2, seed=0, start="posterior", num_steps=5)
    np.testing.assert_allclose(sandwich.lower, sandwich.upper, rtol=1e-9)


@starts
def test_the_sandwich_holds_the_evidence_and_closes_as_the_path_lengthens(vae, start):
    widths = []
    for num_steps in (15, 150):
        sandwich = ais_sandwich(vae, 32, num_chains=4, seed=0, start=start, num_steps=num_steps, num_leapfrog_steps=5)
        exact = MODEL.log_evidence(sandwich.x)
        for excess in (sandwich.lower - exact, exact - sandwich.upper):
            # The mean of e^excess is one, so that a bound is missed by b with a probability of e^-b at most.
            assert excess.max() < 8.0
            assert excess.mean() < 4 * excess.std(ddof=1) / np.sqrt(32)
            if num_steps == 150:
                assert_mean_within_standard_errors(np.exp(excess), 1.0)
        widths.append(np.mean(sandwich.upper - sandwich.lower))
    assert widths[0] > 2 * widths[1]
    assert widths[1] < 0.4


def test_the_estimate_for_simulated_data_is_within_the_sandwich(vae):
    sandwich = ais_sandwich(vae, 24, num_chains=16, seed=3, **PATH)
    found = estimate_evidence(vae, sandwich.x, 16, "ais", seed=4, **PATH)
    error = np.linalg.norm(found.standard_error) / 24
    assert sandwich.lower.mean() - 4 * error < found.log_evidence.mean() < sandwich.upper.mean() + 4 * error


def test_simulated_observations_are_the_models_own(vae):
    x = ais_sandwich(vae, 400, num_chains=1, seed=0, num_steps=1, num_leapfrog_steps=1).x
    assert x.shape == (400, 6)
    assert_mean_within_standard_errors(x, MODEL.offset)
    covariance = MODEL.weights @ MODEL.weights.T + MODEL.scale**2 * np.eye(6)
    assert_mean_within_standard_errors((x - MODEL.offset) ** 2, np.diag(covariance), errors=4.5)


@pytest.mark.soak
def test_the_sandwich_of_binary_images_repeats_with_its_seed_and_differs_with_another():
    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder((8,)),
        posterior=kv.posteriors.DiagonalGaussian(2),
        decoder=kv.networks.MLPDecoder((8,)),
        likelihood=kv.likelihoods.Bernoulli((3, 3, 1)),
    )
    found = [ais_sandwich(vae, 6, num_chains=2, seed=seed, num_steps=10) for seed in (1, 1, 2)]
    assert found[0].x.shape == (6, 3, 3, 1)
    assert set(np.unique(found[0].x)) == {0.0, 1.0}
    for first, second, other in zip(*found, strict=True):
        np.testing.assert_array_equal(first, second)
        assert np.any(first != other)
    assert np.all(found[0].upper - found[0].lower < 1.0)


def test_step_sizes_are_tuned_on_pilot_chains_to_the_width_of_the_target():
    model = LinearGaussian.draw(event_size=6, latent_dim=4, scale=0.1, orthogonal=True)
    vae = linear_vae(model, kv.posteriors.DiagonalGaussian)
    batch = Batch(model.sample(6, seed=0))
    annealing = Annealing(vae, execution.specs_of(batch), num_steps=300, num_leapfrog_steps=5, start="prior", seed=0)
    x = execution.tensors_of(batch)
    steps = annealing.tune(x, 16, 0).numpy()
    assert steps.shape == (300, 6)
    narrowest = np.sqrt(np.diag(model.posterior_covariance)).min()
    # Leapfrog steps are stable up to twice the least width.
    assert np.all(steps[-30:] > 0.3 * narrowest) and np.all(steps[-30:] < 2.0 * narrowest)
    np.testing.assert_array_equal(steps, annealing.tune(x, 16, 0).numpy())


def test_a_path_of_whole_periods_does_not_stand_still():
    # Of a target whose widths are all alike a fixed trajectory may come back to where it began.
    model = LinearGaussian(np.eye(6)[:, :4], np.zeros(6), 0.25)
    vae = linear_vae(model, kv.posteriors.DiagonalGaussian)
    batch = Batch(model.sample(8, seed=0))
    annealing = Annealing(vae, execution.specs_of(batch), num_steps=150, num_leapfrog_steps=5, start="prior", seed=0)
    x = execution.tensors_of(batch)
    log_weights = annealing.up(x, 64, annealing.tune(x, 16, 0), 0).numpy()
    # Independent draws at every step would leave 0.55.
    assert log_weights.std(axis=0).mean() < 1.2


@pytest.mark.soak
def test_many_chains_are_run_in_parts_that_add_up(vae, monkeypatch):
    monkeypatch.setattr(execution, "MAX_NUMBERS", 4 * 6 * 10)  # ten chains of one image at a time
    assert execution.plan_annealing(25, 6) == (9, 3, 1)
    found = estimate_evidence(vae, X[:3], 25, "ais", seed=0, **PATH)
    ratios = np.exp(found.log_evidence - MODEL.log_evidence(X[:3]))
    assert np.all(np.abs(ratios - 1.0) < 5 * found.standard_error * np.maximum(ratios, 1.0))
    sandwich = ais_sandwich(vae, 2, num_chains=25, seed=0, **PATH)
    assert np.all(np.abs(sandwich.upper - sandwich.lower) < 1.0)


@pytest.mark.parametrize("num_steps", [1, 7, 1000])
def test_betas_go_from_nought_to_one_and_are_denser_at_the_ends(num_steps):
    betas = sigmoid_betas(num_steps)
    assert betas.shape == (num_steps + 1,)
    assert betas[0] == 0.0 and betas[-1] == 1.0
    steps = np.diff(betas)
    assert np.all(steps > 0)
    np.testing.assert_allclose(steps, steps[::-1])
    assert steps[num_steps // 2] == pytest.approx(steps.max())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num": 0}, "`num` must be >= 1. Received: num=0"),
        ({"num_chains": 0}, "`num_chains` must be >= 1. Received: num_chains=0"),
        ({"num_steps": 0}, "`num_steps` must be >= 1"),
        ({"batch_size": 0}, "`batch_size` must be >= 1"),
        ({"start": "middle"}, "`start` must be one of"),
    ],
)
def test_bad_arguments_are_refused(vae, arguments, message):
    with pytest.raises(ValueError, match=message):
        ais_sandwich(vae, **arguments)
