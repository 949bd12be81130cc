"""The whole evaluation: every number against the exact model's, and what it says in words."""

import json
import math

import keras
import numpy as np
import pytest

import keras_vae as kv
from keras_vae.core import Batch
from keras_vae.evaluation import Evaluation, evaluate_vae
from keras_vae.evaluation.aggregate import mutual_information
from keras_vae.evaluation.evaluate_vae import verdict
from tests.linear_gaussian import LinearGaussian, linear_vae, randomize_posterior, set_posterior

MODEL = LinearGaussian.draw(event_size=5, latent_dim=3, orthogonal=True)
X = MODEL.sample(2000, seed=1)
DIAGONAL = kv.posteriors.DiagonalGaussian
FULL = kv.posteriors.FullCovarianceGaussian


def within(found, name, expected, errors=4.0):
    """Tell whether an average is within some standard errors of what is expected."""
    error = found.standard_errors[name]
    assert 0 < error < 0.1
    return abs(getattr(found, name) - expected) < errors * error


@pytest.fixture(scope="module")
def exact():
    """Evaluate the exact model with its exact posterior."""
    vae = linear_vae(MODEL, DIAGONAL)
    set_posterior(vae, MODEL)
    return evaluate_vae(vae, X, 50, seed=0)


def test_every_average_is_the_exact_models(exact):
    evidence = MODEL.log_evidence(X)
    noise = 0.5 * 5 * (1 + np.log(2 * np.pi * MODEL.scale**2))
    information = -0.5 * np.linalg.slogdet(MODEL.posterior_covariance)[1]
    assert exact.log_evidence == pytest.approx(evidence.mean(), rel=1e-9)
    assert exact.standard_errors["log_evidence"] == pytest.approx(evidence.std(ddof=1) / np.sqrt(2000), rel=1e-9)
    assert exact.monte_carlo_error < 1e-9
    assert within(exact, "elbo", evidence.mean())
    assert within(exact, "distortion", noise)
    assert within(exact, "rate", information)
    assert within(exact, "gap", 0.0)


def test_parts_add_up(exact):
    assert exact.elbo == pytest.approx(-exact.distortion - exact.rate)
    assert exact.log_evidence == pytest.approx(exact.elbo + exact.gap)
    assert exact.rate == pytest.approx(exact.mutual_information + exact.marginal_kl)
    assert exact.kl_per_dimension[0].sum() == pytest.approx(exact.rate)
    assert sum(exact.rate_per_level) == pytest.approx(exact.rate)


def test_mutual_information_is_that_of_the_gaussian_channel(exact):
    expected = -0.5 * np.linalg.slogdet(MODEL.posterior_covariance)[1]
    # The bias of 2000 examples is far below its noise here.
    assert within(exact, "mutual_information", expected)
    assert abs(exact.marginal_kl) < 4 * exact.standard_errors["mutual_information"]
    full = linear_vae(LinearGaussian.draw(), FULL)
    set_posterior(full, LinearGaussian.draw())
    found = evaluate_vae(full, LinearGaussian.draw().sample(1000, seed=2), 2, seed=0)
    expected = -0.5 * np.linalg.slogdet(LinearGaussian.draw().posterior_covariance)[1]
    assert within(found, "mutual_information", expected, errors=4.5)


def test_kl_per_dimension_is_exact(exact):
    variances = np.diag(MODEL.posterior_covariance)
    means = MODEL.posterior_mean(X)
    expected = 0.5 * (variances + np.square(means).mean(axis=0) - 1 - np.log(variances))
    np.testing.assert_allclose(exact.kl_per_dimension[0], expected, rtol=1e-9)


def test_mutual_information_never_exceeds_the_logarithm_of_the_examples():
    model = LinearGaussian.draw(event_size=5, latent_dim=3, scale=0.01)
    vae = linear_vae(model, FULL)
    set_posterior(vae, model)
    found = evaluate_vae(vae, model.sample(300, seed=1), 2, aggregate_size=100, seed=0)
    assert found.num_aggregated == 100
    assert found.rate > 10
    assert found.mutual_information == pytest.approx(math.log(100), abs=0.05)
    assert found.mutual_information <= math.log(100) + 1e-9
    assert f"at most log 100 = {math.log(100):.2f}" in str(found)
    assert found.mutual_information_ceiling == pytest.approx(math.log(100))
    assert found.is_saturated and found.to_dict()["is_saturated"] is True
    assert "on average; saturated: rate - log 100 is its floor" in str(found)


def test_mutual_information_is_bounded_from_both_sides_on_average():
    model = LinearGaussian.draw(event_size=5, latent_dim=3, scale=0.3)
    vae = linear_vae(model, FULL)
    set_posterior(vae, model)
    expected = -0.5 * np.linalg.slogdet(model.posterior_covariance)[1]
    found = [mutual_information(vae, Batch(model.sample(60, seed=seed)), 60, seed=seed) for seed in range(40)]
    lower, upper = (np.array([getattr(one, name) for one in found]) for name in ("value", "upper"))
    assert lower.mean() + 4 * lower.std(ddof=1) / np.sqrt(40) < expected < upper.mean()
    assert (lower < upper).all() and (lower <= math.log(60)).all()


def test_the_marginal_divergence_lies_between_its_bounds_where_it_is_known(exact):
    # The exact model's aggregate posterior is its prior.
    assert 0.0 <= exact.marginal_kl_lower < 4 * exact.standard_errors["mutual_information"]
    assert not exact.is_saturated and "saturated" not in str(exact)
    model = LinearGaussian.draw(event_size=5, latent_dim=3, scale=0.1)
    vae = linear_vae(model, FULL)
    set_posterior(vae, model)
    few = evaluate_vae(vae, model.sample(100, seed=1), 2, aggregate_size=10, seed=0)
    assert few.marginal_kl_lower == 0.0 and few.marginal_kl > 1.0
    assert few.marginal_kl >= few.rate - few.mutual_information_ceiling
    assert few.is_saturated


def test_one_example_knows_nothing_of_the_marginal_divergence():
    vae = linear_vae(MODEL, DIAGONAL)
    randomize_posterior(vae, seed=0)
    found = evaluate_vae(vae, X[:1], 2, seed=0)
    assert (found.mutual_information, found.mutual_information_ceiling, found.marginal_kl_lower) == (0.0, 0.0, 0.0)
    assert found.marginal_kl == found.rate and found.is_saturated


@pytest.mark.parametrize(
    ("widening", "num_samples", "heavy"), [(1.5, 500, False), (0.4, 500, True), (0.4, 50, True), (0.4, 20, None)]
)
def test_heavy_tails_are_told_beside_the_error_that_leaves_them_out(widening, num_samples, heavy):
    vae = linear_vae(MODEL, FULL)
    set_posterior(vae, MODEL, widening=widening)
    found = evaluate_vae(vae, X[:100], num_samples, seed=0)
    text = "heavy-tailed weights (Pareto k above "
    if heavy is None:
        assert np.isnan(found.heavy_tailed_share) and found.to_dict()["heavy_tailed_share"] is None
        assert text not in str(found)
    elif heavy:
        assert found.heavy_tailed_share > 0.6
        share, highest = f"{found.heavy_tailed_share:.1%}", {500: "0.63", 50: "0.41"}[num_samples]
        assert f"for {share} of the examples with {text}{highest}), whose error may be larger" in str(found)
    else:
        assert found.heavy_tailed_share < 0.02


def test_the_monte_carlo_error_of_shared_samples_is_the_spread_over_seeds():
    vae = linear_vae(MODEL, DIAGONAL)
    options = {"elbo_samples": 1, "aggregate_size": 2}
    found = [evaluate_vae(vae, X[:50], 300, "prior", seed=seed, **options) for seed in range(40)]
    spread = np.std([one.log_evidence for one in found], ddof=1)
    assert np.mean([one.monte_carlo_error for one in found]) == pytest.approx(spread, rel=0.35)


def test_active_units_are_those_whose_posterior_mean_varies():
    vae = linear_vae(MODEL, DIAGONAL)
    kernel, bias = (np.zeros(weight.shape) for weight in vae.posterior.projection.weights)
    deviation = X[:, 0].std(ddof=1)
    kernel[0, :3] = np.sqrt([0.0, 0.0099, 0.0101]) / deviation
    vae.posterior.projection.set_weights([kernel, bias])
    found = evaluate_vae(vae, X, 2, seed=0)
    assert (found.active_units, found.latent_dim) == ((1,), (3,))
    assert "1 of 3" in str(found)
    assert found.posterior_collapse.startswith("1 of 3 latent dimensions is active, ")


def test_a_collapsed_posterior_is_called_so():
    vae = linear_vae(MODEL, DIAGONAL)
    vae.posterior.projection.set_weights([np.zeros(weight.shape) for weight in vae.posterior.projection.weights])
    found = evaluate_vae(vae, X[:100], 2, seed=0)
    assert found.active_units == (0,)
    assert found.rate == pytest.approx(0.0, abs=1e-9)
    assert found.mutual_information == pytest.approx(0.0, abs=1e-9)
    assert found.posterior_collapse.startswith("The posterior collapsed: no latent dimension of 3 is active")
    assert found.posterior_collapse in str(found)


@pytest.mark.parametrize(
    ("active", "start"), [(40, "All 40 latent dimensions are active"), (38, "38 of 40 latent dimensions are active")]
)
def test_a_used_latent_space_is_no_collapse(active, start):
    assert verdict(active, 40, 12.3).startswith(start)
    assert "the rate is 12.30 nats" in verdict(active, 40, 12.3)


def test_what_is_ended_early_is_the_evaluation_of_the_examples_that_are_done():
    vae = linear_vae(MODEL, DIAGONAL)
    randomize_posterior(vae, seed=0)
    cut = evaluate_vae(vae, X[:40], 20, seed=1, batch_size=10, progress=lambda share: share >= 0.5)
    assert cut.num_examples == 20
    assert cut.to_dict() == evaluate_vae(vae, X[:20], 20, seed=1).to_dict()


def test_the_same_seed_gives_the_same_numbers_whatever_the_batch_size():
    vae = linear_vae(MODEL, DIAGONAL)
    randomize_posterior(vae, seed=0)
    found = [evaluate_vae(vae, X[:150], 20, seed=1, batch_size=size).to_dict() for size in (None, 7)]
    other = evaluate_vae(vae, X[:150], 20, seed=2)
    assert found[0].keys() == found[1].keys()
    for name in ("elbo", "log_evidence", "mutual_information"):
        assert found[0][name] == pytest.approx(found[1][name], rel=1e-12)
        assert found[0][name] != getattr(other, name)


def test_the_result_is_json_and_a_table(exact):
    record = json.loads(json.dumps(exact.to_dict(), allow_nan=False))
    assert record["units"] == "nats per example"
    assert record["elbo"] == exact.elbo
    assert record["active_units"] == [3]
    assert np.shape(record["kl_per_dimension"]) == (1, 3)
    assert (record["num_examples"], record["num_samples"], record["method"], record["seed"]) == (
        2000,
        50,
        "importance",
        0,
    )
    lines = str(exact).splitlines()
    names = ["nats", "elbo", "rate", "distortion", "log_evidence", "gap", "mutual_information", "marginal_kl"]
    assert [line.split()[0] for line in lines[:8]] == names
    assert float(lines[1].split()[1]) == pytest.approx(exact.elbo, abs=exact.standard_errors["elbo"] / 10)


def test_of_one_example_there_is_no_standard_error():
    vae = linear_vae(MODEL, DIAGONAL)
    found = evaluate_vae(vae, X[:1], 1, seed=0)
    assert isinstance(found, Evaluation)
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert record["standard_errors"]["elbo"] is None
    assert record["monte_carlo_error"] is None
    assert "nan" not in str(found)


def model_of(likelihood, **options):
    """Build a small model with random weights."""
    keras.utils.set_random_seed(0)
    return kv.VAE(
        encoder=kv.networks.MLPEncoder((8,)),
        posterior=DIAGONAL(2),
        decoder=kv.networks.MLPDecoder((8,)),
        likelihood=likelihood,
        **options,
    )


def test_bits_per_dim_of_binary_data_and_of_categories():
    binary = np.random.default_rng(0).integers(0, 2, (20, 6)).astype("float32")
    for likelihood in (kv.likelihoods.Bernoulli((6,)), kv.likelihoods.Categorical((6,), 4)):
        found = evaluate_vae(model_of(likelihood), binary, 50, seed=0)
        assert found.bits_per_dim == pytest.approx(-found.log_evidence / (6 * math.log(2)))
        assert found.bits_per_dim_note == "-log p(x) / (6 ln 2)"


def test_bits_per_dim_with_a_mask_are_those_of_what_is_observed():
    binary = np.random.default_rng(0).integers(0, 2, (20, 6)).astype("float32")
    mask = np.tile([1.0, 1.0, 0.0], (20, 2))
    for likelihood in (kv.likelihoods.Bernoulli((6,)), kv.likelihoods.Categorical((6,), 4)):
        found = evaluate_vae(model_of(likelihood), {"x": binary, "mask": mask}, 50, seed=0)
        assert found.bits_per_dim == pytest.approx(-found.log_evidence / (4 * math.log(2)))
        assert found.bits_per_dim_note == "-log p(x) / (4 ln 2)"


def test_bits_per_dim_of_grey_values_under_a_bernoulli_is_left_out_with_the_reason():
    grey = np.random.default_rng(0).random((20, 6))
    found = evaluate_vae(model_of(kv.likelihoods.Bernoulli((6,))), grey, 5, seed=0)
    assert found.bits_per_dim is None
    assert found.bits_per_dim_note.startswith("left out: of grey values this likelihood gives a cross-entropy")
    assert found.bits_per_dim_note in str(found)


@pytest.mark.parametrize("likelihood", [kv.likelihoods.ContinuousBernoulli, kv.likelihoods.Gaussian])
def test_bits_per_dim_of_a_density_counts_levels(likelihood):
    levels = np.random.default_rng(0).integers(0, 256, (20, 6)) / 255
    vae = model_of(likelihood((6,)))
    found = evaluate_vae(vae, levels, 5, seed=0)
    assert found.bits_per_dim == pytest.approx(-found.log_evidence / (6 * math.log(2)) + 8)
    assert "log2 256" in found.bits_per_dim_note
    assert "only if noise within each level was added" in found.bits_per_dim_note
    noisy = np.random.default_rng(0).random((20, 6))
    assert "say `num_levels`" in evaluate_vae(vae, noisy, 5, seed=0).bits_per_dim_note
    found = evaluate_vae(vae, noisy, 5, num_levels=16, seed=0)
    assert found.bits_per_dim == pytest.approx(-found.log_evidence / (6 * math.log(2)) + 4)


def test_a_uniform_density_over_256_levels_is_eight_bits():
    vae = model_of(kv.likelihoods.ContinuousBernoulli((6,)))
    vae.build()
    vae.likelihood.set_weights([np.zeros(weight.shape) for weight in vae.likelihood.weights])
    levels = np.random.default_rng(0).integers(0, 256, (20, 6)) / 255
    assert evaluate_vae(vae, levels, 5, "prior", seed=0).bits_per_dim == pytest.approx(8.0, abs=1e-5)


def test_bits_per_dim_of_other_units_is_left_out_with_the_reason(exact):
    assert exact.bits_per_dim is None
    assert "depend on the units of x" in exact.bits_per_dim_note


def test_a_prior_without_a_closed_form_has_its_rate_by_monte_carlo_and_says_so():
    vae = model_of(
        kv.likelihoods.Bernoulli((6,)), prior=kv.priors.VampPrior(4), objective=kv.objectives.ELBO(kl="monte_carlo")
    )
    found = evaluate_vae(vae, np.ones((20, 6)), 50, seed=0)
    assert found.rate_method == "monte_carlo"
    assert found.kl_per_dimension == (None,)
    assert "rate in monte carlo" in str(found)
    assert found.to_dict()["kl_per_dimension"] == [None]
    assert found.rate == pytest.approx(found.mutual_information + found.marginal_kl)


def test_a_hierarchy_is_evaluated_level_by_level():
    vae = kv.HierarchicalVAE(
        encoders=[kv.networks.JoinedMLP((8,), (8,)), kv.networks.MLPEncoder((8,))],
        posteriors=[DIAGONAL(3), DIAGONAL(2)],
        priors=[kv.priors.ConditionalGaussian(kv.networks.MLPDecoder((8,))), kv.priors.StandardNormal()],
        decoder=kv.networks.JoinedMLP((8,), (8,)),
        likelihood=kv.likelihoods.Bernoulli((6,)),
    )
    x = np.random.default_rng(0).integers(0, 2, (30, 6))
    found = evaluate_vae(vae, x, 200, seed=0)
    assert found.latent_dim == (3, 2)
    assert [len(level) for level in found.kl_per_dimension] == [3, 2]
    assert [level.sum() for level in found.kl_per_dimension] == pytest.approx(list(found.rate_per_level), rel=1e-5)
    assert sum(found.rate_per_level) == pytest.approx(found.rate)
    assert found.rate_per_level[1] == pytest.approx(found.mutual_information + found.marginal_kl)
    assert found.gap > -4 * found.standard_errors["gap"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"elbo_samples": 0}, "`elbo_samples` must be >= 1. Received: elbo_samples=0"),
        ({"aggregate_size": 0}, "`aggregate_size` must be >= 1"),
        ({"num_levels": 1}, "`num_levels` must be >= 2"),
        ({"num_samples": 0}, "`num_samples` must be >= 1"),
        ({"method": "elbo"}, "`method` must be one of"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        evaluate_vae(linear_vae(MODEL, DIAGONAL), X, **arguments)
