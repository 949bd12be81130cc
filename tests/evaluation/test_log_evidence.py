"""Estimates of log p(x) against a model whose evidence is exact, and what they promise about noise and memory."""

import gc
import itertools
import weakref

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

import keras_vae as kv
from keras_vae.core import Batch, Stream, fold_in
from keras_vae.evaluation import execution, log_evidence
from keras_vae.evaluation.estimate import LogMean, SharedSamples
from keras_vae.evaluation.log_evidence import estimate_evidence
from tests.linear_gaussian import LinearGaussian, linear_vae, randomize_posterior, set_posterior
from tests.soaked import soaked

DIAGONAL = kv.posteriors.DiagonalGaussian
FULL = kv.posteriors.FullCovarianceGaussian
MODEL = LinearGaussian.draw(event_size=4, latent_dim=2, scale=0.9)
ORTHOGONAL = LinearGaussian.draw(event_size=4, latent_dim=2, scale=0.9, orthogonal=True)
X = MODEL.sample(20, seed=1)
ALL_IMAGES = np.array(np.meshgrid(*[[0, 1]] * 5)).reshape(5, -1).T.astype("float32")  # of five binary pixels


@pytest.fixture(scope="module")
def wide():
    """Return the exact model with a posterior of twice the exact width."""
    vae = linear_vae(MODEL, FULL)
    set_posterior(vae, MODEL, widening=2.0)
    return vae


def small_vae(likelihood, *, prior=None, decoder=None, seed=0):
    """Build a small model with random weights."""
    keras.utils.set_random_seed(seed)
    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder((8,)),
        posterior=DIAGONAL(2),
        decoder=decoder or kv.networks.MLPDecoder((8,)),
        likelihood=likelihood,
        prior=prior,
        objective=kv.objectives.ELBO(kl="monte_carlo"),
        seed=0,
    )
    vae.build()
    return vae


def hierarchy():
    """Build a small model of two levels with random weights."""
    keras.utils.set_random_seed(0)
    vae = kv.HierarchicalVAE(
        encoders=[kv.networks.JoinedMLP((8,), (8,)), kv.networks.MLPEncoder((8,))],
        posteriors=[DIAGONAL(3), DIAGONAL(2)],
        priors=[kv.priors.ConditionalGaussian(kv.networks.MLPDecoder((8,))), kv.priors.StandardNormal()],
        decoder=kv.networks.JoinedMLP((8,), (8,)),
        likelihood=kv.likelihoods.Bernoulli((5,)),
        seed=0,
    )
    vae.build()
    return vae


@pytest.mark.parametrize("method", ["importance", "prior"])
def test_estimates_are_within_their_standard_errors_of_the_exact_evidence(wide, method):
    found = estimate_evidence(wide, X, 20_000, method, seed=0)
    assert found.standard_error.min() > 0 and found.standard_error.max() < 0.1
    assert np.all(np.abs(found.log_evidence - MODEL.log_evidence(X)) < 4 * found.standard_error)


@pytest.mark.parametrize("method", ["importance", "prior"])
def test_the_standard_error_is_the_spread_over_seeds(wide, method):
    found = [estimate_evidence(wide, X, 500, method, seed=seed) for seed in range(40)]
    spread = np.std([one.log_evidence for one in found], axis=0, ddof=1)
    claimed = np.sqrt(np.mean([one.standard_error**2 for one in found], axis=0))
    assert np.mean(spread / claimed) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(
    ("method", "num_samples", "max_numbers"),
    [
        ("prior", 30, None),
        ("prior", 500, None),
        ("prior", 100, 4 * 25),  # 20 chunks of 5 samples
        ("importance", 500, None),
    ],
)
def test_the_standard_error_of_the_mean_is_its_spread_over_seeds(wide, method, num_samples, max_numbers, monkeypatch):
    if max_numbers:
        monkeypatch.setattr(execution, "MAX_NUMBERS", max_numbers)
    seeds = 30 if max_numbers else 60
    found = [estimate_evidence(wide, X, num_samples, method, seed=seed) for seed in range(seeds)]
    spread = np.std([one.log_evidence.mean() for one in found], ddof=1)
    stated = np.sqrt(np.mean([one.mean_standard_error**2 for one in found]))
    assert spread == pytest.approx(stated, rel=3 / np.sqrt(2 * (seeds - 1)))
    # One estimate of the error alone is not far off, either.
    assert np.std([one.mean_standard_error for one in found]) < 0.35 * stated


def test_samples_that_all_images_share_do_not_average_out():
    vae = small_vae(kv.likelihoods.Gaussian((5,), scale=0.5))
    x = np.random.default_rng(0).normal(0, 0.3, (200, 5)).astype("float32")
    found = [estimate_evidence(vae, x, 500, "prior", seed=seed) for seed in range(40)]
    spread = np.std([one.log_evidence.mean() for one in found], ddof=1)
    assert spread == pytest.approx(np.mean([one.mean_standard_error for one in found]), rel=0.35)
    assert spread > 4 * np.linalg.norm(found[0].standard_error) / 200  # what it would be if each had its own


@pytest.mark.parametrize(
    ("num_samples", "samples", "chunks"), [(1, 1, 1), (500, 915, 1), (150, 50, 3), (998, 10, 100), (5000, 2, 2500)]
)
def test_blocks_of_shared_samples_hold_all_that_count_and_are_few(num_samples, samples, chunks):
    shared = SharedSamples(2, samples, chunks)
    assert len(shared.log_sums) <= 200
    generator = np.random.default_rng(0)
    log_weights = generator.normal(size=(2, samples * chunks))
    log_weights[:, num_samples:] = -np.inf
    for chunk in range(chunks):
        part = log_weights[:, chunk * samples : (chunk + 1) * samples]
        part = np.pad(part, [(0, 0), (0, -samples % shared.width)], constant_values=-np.inf)
        sums = np.logaddexp.reduce(part.reshape(2, -1, shared.width), axis=2)
        shared.add(slice(0, 2), chunk, sums.T)
    total = np.logaddexp.reduce(shared.log_sums, axis=0)
    np.testing.assert_allclose(total, np.logaddexp.reduce(log_weights, axis=1))
    if num_samples == 1:
        assert np.isnan(shared.mean_standard_error(num_samples))
    else:
        weights = np.exp(log_weights[:, :num_samples])
        shares = np.mean(weights / weights.mean(axis=1, keepdims=True), axis=0)
        expected = shares.std(ddof=1) / np.sqrt(num_samples)
        assert shared.mean_standard_error(num_samples) == pytest.approx(expected, rel=0.35)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("posterior", "model"), [(DIAGONAL, ORTHOGONAL), (FULL, ORTHOGONAL), (FULL, MODEL)])
def test_with_the_exact_posterior_one_sample_is_exact(posterior, model, dtype):
    vae = linear_vae(model, posterior, dtype=dtype)
    set_posterior(vae, model)
    x = model.sample(20, seed=1)
    np.testing.assert_allclose(log_evidence(vae, x, 1, seed=0), model.log_evidence(x), atol=1e-4)


def test_one_sample_has_no_standard_error(wide):
    assert np.isnan(estimate_evidence(wide, X, 1, "importance", seed=0).standard_error).all()


def test_more_samples_tighten_the_bound_on_average():
    vae = linear_vae(MODEL, FULL)
    randomize_posterior(vae, seed=0)
    x = MODEL.sample(400, seed=2)
    gaps = [np.mean(MODEL.log_evidence(x) - log_evidence(vae, x, count, seed=0)) for count in (1, 10, 100)]
    assert gaps[0] > gaps[1] > gaps[2] > 0


@pytest.mark.parametrize("method", ["importance", "prior"])
def test_the_result_does_not_depend_on_the_batch_size(wide, method):
    expected = log_evidence(wide, X, 700, method, seed=3)
    for batch_size in (1, 7, 1000):
        np.testing.assert_allclose(
            log_evidence(wide, X, 700, method, seed=3, batch_size=batch_size), expected, rtol=1e-12
        )
    np.testing.assert_allclose(log_evidence(wide, X[:5], 700, method, seed=3), expected[:5], rtol=1e-12)


@pytest.mark.parametrize("method", ["importance", "prior", "ais"])
def test_one_seed_repeats_and_another_does_not(wide, method):
    options = {"num_steps": 5} if method == "ais" else {}
    found = [log_evidence(wide, X, 8, method, seed=seed, **options) for seed in (1, 1, 2, None)]
    np.testing.assert_array_equal(found[0], found[1])
    assert np.all(found[0] != found[2])
    assert np.all(found[0] != found[3])
    assert found[0].dtype == np.float64 and found[0].shape == (20,)


def test_chunks_add_up_to_one_mean_over_all_samples(wide, monkeypatch):
    monkeypatch.setattr(execution, "MAX_NUMBERS", 4 * 64)  # 64 samples of 4 numbers
    num_samples = 150
    plan = execution.plan_importance(num_samples, 4)
    assert plan == (50, 3, 1)
    weights = []
    for chunk in range(3):
        record = wide.infer(X[:1], num_samples=50, seed=fold_in(5, Stream.IMPORTANCE, 0, chunk))
        (latent,) = record.latents
        joint = record.log_likelihood + latent.prior.log_prob(latent.z)
        weights.append((joint - latent.posterior.log_prob(latent.z)).numpy()[:, 0])
    expected = scipy.special.logsumexp(np.concatenate(weights)) - np.log(num_samples)
    assert log_evidence(wide, X[:1], num_samples, seed=5)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("num_samples", [65, 131])
def test_the_surplus_of_the_last_chunk_does_not_count(num_samples, monkeypatch):
    monkeypatch.setattr(execution, "MAX_NUMBERS", 4 * 64)
    plan = execution.plan_importance(num_samples, 4)
    assert plan.samples * plan.chunks > num_samples
    vae = linear_vae(MODEL, FULL)
    set_posterior(vae, MODEL)
    # Every weight is the evidence, so that one too many would show.
    np.testing.assert_allclose(log_evidence(vae, X, num_samples, seed=0), MODEL.log_evidence(X), rtol=1e-12)
    plan = execution.plan_prior(num_samples, 5)
    assert plan.samples * plan.chunks > num_samples
    prior = log_evidence(small_vae(kv.likelihoods.Bernoulli((5,))), ALL_IMAGES, num_samples, "prior", seed=0)
    assert scipy.special.logsumexp(prior) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("event_numbers", [1, 784, 12_288, 786_432, 10**7])
@pytest.mark.parametrize("num_samples", [1, 16, 4999, 10**6])
def test_memory_is_bounded_whatever_is_asked_for(num_samples, event_numbers):
    for plan in (
        execution.plan_importance(num_samples, event_numbers),
        execution.plan_prior(num_samples, event_numbers, batch_size=10_000),
        execution.plan_annealing(num_samples, event_numbers, batch_size=10_000),
    ):
        decoded = plan.samples * plan.images * event_numbers
        assert decoded <= max(execution.MAX_NUMBERS, event_numbers)
        # Nothing is left out, and less than a sample a chunk is wasted.
        assert num_samples <= plan.samples * plan.chunks < num_samples + plan.chunks


def test_the_decoder_sees_no_more_rows_than_planned(monkeypatch):
    rows = []

    class Watching(kv.networks.MLPDecoder):
        def call(self, z):
            tf.py_function(lambda size: rows.append(int(size)), [tf.shape(z)[0]], [])
            return super().call(z)

    monkeypatch.setattr(execution, "MAX_NUMBERS", 5 * 30)
    vae = small_vae(kv.likelihoods.Bernoulli((5,)), decoder=Watching((8,)))
    x = np.zeros((3, 5), "float32")
    rows.clear()
    log_evidence(vae, x, 100, seed=0)
    assert rows == [25] * 4 * 3
    rows.clear()
    log_evidence(vae, x, 20, "prior", seed=0)
    assert set(rows) == {execution.plan_prior(20, 5).samples}
    assert sum(rows) < 20 + len(rows)  # once for each sample, not once for each sample and image


def test_running_sums_keep_what_single_precision_would_lose():
    total = LogMean(1)
    values = np.random.default_rng(0).normal(-2000.0, 3.0, size=1000)
    for value in values:
        total.add(slice(0, 1), value, 2 * value)
    found = total.estimate(1000)
    relative = np.exp(values - found.log_evidence)
    assert found.log_evidence[0] == pytest.approx(scipy.special.logsumexp(values) - np.log(1000), abs=1e-9)
    assert found.standard_error[0] == pytest.approx(relative.std(ddof=1) / np.sqrt(1000), rel=1e-6)


def binary(n, size):
    return (np.random.default_rng(0).random((n, size)) < 0.5).astype("float32")


LIKELIHOODS = {
    "bernoulli": (kv.likelihoods.Bernoulli, {}, binary(3, 4)),
    "fixed_scale": (kv.likelihoods.Gaussian, {"scale": 0.7}, binary(3, 4)),
    "learned_scale": (kv.likelihoods.Gaussian, {"scale": "learned"}, binary(3, 4)),
    "optimal_scale": (kv.likelihoods.Gaussian, {"scale": "optimal"}, binary(3, 4)),
    "scale_per_dimension": (kv.likelihoods.Gaussian, {"scale": "per_dimension"}, binary(3, 4)),
    "categorical": (kv.likelihoods.Categorical, {"num_categories": 3}, 2 * binary(3, 4)),
    "one_hot": (
        kv.likelihoods.Categorical,
        {"num_categories": 3, "encoding": "one_hot"},
        np.eye(3)[[[0, 2, 1, 1]] * 3],
    ),
    "continuous_bernoulli": (kv.likelihoods.ContinuousBernoulli, {}, np.full((3, 4), 0.3)),
}


def assert_methods_agree(vae, x):
    """Check the two estimators, which share neither samples nor densities of q, against one another."""
    found = [estimate_evidence(vae, x, 4000, method, seed=0) for method in ("importance", "prior")]
    error = np.hypot(found[0].standard_error, found[1].standard_error)
    assert error.max() < 0.2
    assert np.all(np.abs(found[0].log_evidence - found[1].log_evidence) < 4.5 * error + 1e-5)


@pytest.mark.parametrize("name", soaked(LIKELIHOODS, quick=("bernoulli", "optimal_scale")))
def test_every_likelihood_has_an_evidence_on_which_methods_agree(name):
    kind, options, x = LIKELIHOODS[name]
    vae = small_vae(kind((4,), **options))
    assert_methods_agree(vae, x)
    assert np.isfinite(log_evidence(vae, x, 4, "ais", seed=0, num_steps=3)).all()


def test_a_mixture_of_posteriors_has_an_evidence_on_which_methods_agree():
    assert_methods_agree(small_vae(kv.likelihoods.Bernoulli((5,)), prior=kv.priors.VampPrior(4)), binary(3, 5))


def test_with_a_mixture_of_gaussians_both_methods_give_the_integral_over_z():
    vae, x = small_vae(kv.likelihoods.Bernoulli((5,)), prior=kv.priors.GaussianMixture(4, spread=0.5)), binary(3, 5)
    # q(z|x) = N(0, I). The random encoder's is so narrow that weights have a Pareto k of 0.9, and no standard error.
    vae.posterior.set_weights([np.zeros_like(weight) for weight in vae.posterior.get_weights()])
    line = np.linspace(-9.0, 9.0, 181, dtype="float32")
    z = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    log_prior = vae.prior_of(0).log_prob(z).numpy().astype("float64")
    log_likelihood = vae.log_likelihood(Batch(x[:, None]), vae.decoded((z,))).numpy()  # (images, z)
    exact = scipy.special.logsumexp(log_prior + log_likelihood, axis=1) + 2 * np.log(line[1] - line[0])
    for method in ("importance", "prior"):
        found = estimate_evidence(vae, x, 4000, method, seed=0)
        assert found.standard_error.max() < 0.02
        assert np.all(np.abs(found.log_evidence - exact) < 4 * found.standard_error)


def test_a_hierarchy_has_an_evidence_on_which_methods_agree():
    vae, x = hierarchy(), binary(3, 5)
    assert_methods_agree(vae, x)
    assert np.isfinite(log_evidence(vae, x, 4, "ais", seed=0, num_steps=3)).all()


def test_a_bernoulli_model_of_few_pixels_spreads_all_its_probability_over_all_images():
    vae = small_vae(kv.likelihoods.Bernoulli((5,)))
    assert scipy.special.logsumexp(log_evidence(vae, ALL_IMAGES, 5000, seed=0)) == pytest.approx(0.0, abs=0.01)
    # With one set of z for all images they sum to one exactly.
    prior = log_evidence(vae, ALL_IMAGES, 50, "prior", seed=0)
    assert scipy.special.logsumexp(prior) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("method", ["importance", "prior", "ais"])
def test_nothing_is_traced_anew_in_a_second_call(method):
    vae = small_vae(kv.likelihoods.Bernoulli((5,)))
    traces = []
    observe = vae.likelihood.observe
    vae.likelihood.observe = lambda x: (traces.append(1), observe(x))[1]
    options = {"num_steps": 3} if method == "ais" else {}
    log_evidence(vae, binary(10, 5), 20, method, seed=0, batch_size=4, **options)
    before = len(traces)
    assert before > 0
    log_evidence(vae, binary(3, 5), 20, method, seed=1, **options)
    log_evidence(vae, binary(5, 5), 20, method, seed=2, batch_size=2, **options)
    assert len(traces) == before


@pytest.mark.parametrize("method", soaked(["importance", "prior", "ais"], quick=["importance", "prior"]))
def test_a_second_call_may_have_other_fields_and_dtypes(method):
    vae, x = small_vae(kv.likelihoods.Bernoulli((5,))), binary(3, 5)
    options = {"num_steps": 3} if method == "ais" else {}
    expected = log_evidence(vae, x, 20, method, seed=0, **options)
    np.testing.assert_array_equal(log_evidence(vae, x.astype("uint8"), 20, method, seed=0, **options), expected)
    whole = {"x": x, "mask": np.ones_like(x)}
    np.testing.assert_allclose(log_evidence(vae, whole, 20, method, seed=0, **options), expected, rtol=1e-6)
    nothing = {"x": x, "mask": np.zeros_like(x)}
    assert log_evidence(vae, nothing, 20, "prior", seed=0) == pytest.approx(0.0, abs=1e-6)


def test_new_weights_are_seen(wide):
    vae = linear_vae(MODEL, FULL)
    set_posterior(vae, MODEL)
    log_evidence(vae, X, 3, seed=0)
    other = LinearGaussian.draw(event_size=4, latent_dim=2, scale=0.9, seed=8)
    vae.decoder.set_weights([other.weights.T, other.offset])
    set_posterior(vae, other)
    np.testing.assert_allclose(log_evidence(vae, X, 3, seed=0), other.log_evidence(X), rtol=1e-9)


def test_a_model_is_not_kept_in_memory():
    vae = small_vae(kv.likelihoods.Bernoulli((5,)))
    log_evidence(vae, binary(2, 5), 2, seed=0)
    gone = weakref.ref(vae)
    del vae
    gc.collect()
    assert gone() is None


def test_progress_is_shown_when_asked_for(wide, capsys):
    log_evidence(wide, X, 2, seed=0)
    assert capsys.readouterr().out == ""
    log_evidence(wide, X, 2, seed=0, progress=True)
    assert "20/20" in capsys.readouterr().out


@pytest.mark.parametrize("method", ["importance", "ais"])
def test_a_function_may_end_an_estimate_with_the_examples_that_are_done(wide, method):
    options = {"seed": 0, "batch_size": 4} | ({"num_steps": 3} if method == "ais" else {})
    shares = []

    def progress(share):
        shares.append(share)
        return share >= 0.4

    cut = estimate_evidence(wide, X, 10, method, progress=progress, **options)
    whole = estimate_evidence(wide, X, 10, method, **options)
    assert shares == [0.0, 0.2, 0.4]
    np.testing.assert_array_equal(cut.log_evidence, whole.log_evidence[:8])
    np.testing.assert_array_equal(cut.standard_error, whole.standard_error[:8])
    assert cut.mean_standard_error == pytest.approx(np.linalg.norm(whole.standard_error[:8]) / 8)
    assert cut.num_samples == 10


def test_a_function_may_end_an_estimate_by_prior_samples_with_those_that_are_done(wide, monkeypatch):
    monkeypatch.setattr(execution, "MAX_NUMBERS", 36 * wide.likelihood.working_numbers)  # 6 samples in a chunk
    cut = estimate_evidence(wide, X, 30, "prior", seed=0, progress=lambda share: share >= 0.6)
    assert (cut.num_samples, len(cut.log_evidence)) == (18, len(X))
    assert np.isnan(cut.pareto_k).all()
    whole = estimate_evidence(wide, X, 18, "prior", seed=0)
    np.testing.assert_allclose(cut.log_evidence, whole.log_evidence)
    assert cut.mean_standard_error == pytest.approx(whole.mean_standard_error)


def test_an_estimate_of_more_than_a_minute_is_announced_once_before_it_is_done(wide, monkeypatch, caplog):
    times = itertools.count(step=10.0)  # 10 seconds for each of 20 examples
    monkeypatch.setattr(execution.time, "perf_counter", lambda: next(times))
    log_evidence(wide, X, 2, seed=0, batch_size=1)
    (message,) = [record.getMessage() for record in caplog.records]
    assert message == "The evidence will take about 3 minutes. Fewer examples and fewer `num_samples` take less."
    caplog.clear()
    log_evidence(wide, X, 2, seed=0, batch_size=1, progress=lambda share: None)  # who asks knows
    log_evidence(wide, X[:3], 2, seed=0, batch_size=1)
    assert not caplog.records
