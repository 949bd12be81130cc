"""The factorized Laplace posterior against SciPy, and a model of it against quadrature."""

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import tensorflow as tf

import keras_vae as kv
from tests import linear_gaussian, oracles

SEED = tf.constant([3, 1])


def draw(batch=4, size=3, seed=0, dtype="float64", **arguments):
    """Build a posterior and parameters at random."""
    posterior = kv.posteriors.Laplace(size, dtype=dtype, **arguments)
    projected = np.random.default_rng(seed).normal(size=(batch, posterior.parameter_size))
    return posterior, posterior.split(tf.constant(projected, dtype)), projected


def test_parameters_are_a_mean_and_a_log_scale():
    posterior, parameters, projected = draw()
    assert posterior.parameter_size == 6
    np.testing.assert_array_equal(parameters["mean"], projected[:, :3])
    np.testing.assert_array_equal(parameters["log_scale"], projected[:, 3:])


def test_the_distribution_is_scipys_laplace():
    posterior, parameters, projected = draw()
    distribution = posterior.distribution(parameters)
    assert distribution.batch_shape == (4,) and distribution.event_shape == (3,)
    z = np.random.default_rng(1).normal(size=(4, 3))
    expected = scipy.stats.laplace(projected[:, :3], np.exp(projected[:, 3:]))
    np.testing.assert_allclose(distribution.log_prob(z), expected.logpdf(z).sum(-1), rtol=1e-12)
    np.testing.assert_allclose(distribution.mean(), expected.mean(), rtol=1e-12)
    np.testing.assert_allclose(distribution.stddev(), expected.std(), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("by_row", [False, True], ids=["one_seed", "a_seed_a_row"])
def test_samples_follow_scipys_distribution(by_row, dtype):
    posterior, parameters, projected = draw(dtype=dtype)
    seed = kv.core.fold_in(tf.tile(SEED[None], [4, 1]), tf.range(4)) if by_row else SEED
    z = posterior.sample(parameters, 20_000, seed).numpy()
    assert z.shape == (20_000, 4, 3) and z.dtype == dtype
    expected = scipy.stats.laplace(projected[:, :3], np.exp(projected[:, 3:]))
    oracles.assert_mean_within_standard_errors(z, expected.mean())
    oracles.assert_mean_within_standard_errors((z - expected.mean()) ** 2, expected.var())
    standardized = ((z - projected[:, :3]) / np.exp(projected[:, 3:])).reshape(20_000, 12)
    for column in standardized.T:
        assert scipy.stats.kstest(column, scipy.stats.laplace.cdf).pvalue > 1e-4
    correlations = np.corrcoef(standardized.T)[np.triu_indices(12, 1)]
    assert np.abs(correlations).max() < 4.5 / np.sqrt(20_000)


def test_samples_reach_into_the_tails_in_single_precision():
    posterior = kv.posteriors.Laplace(1)
    parameters = posterior.split(tf.zeros([1, 2]))
    z = posterior.sample(parameters, 2_000_000, SEED).numpy().ravel()
    assert np.all(np.isfinite(z)) and len(np.unique(z)) > 0.9 * len(z)
    for bound in (8.0, 11.0):
        expected = 1_000_000 * np.exp(-bound)
        for tail in (np.sum(z > bound), np.sum(z < -bound)):
            assert abs(tail - expected) < 5 * np.sqrt(expected)


def test_samples_are_a_pure_function_of_the_seed():
    posterior, parameters, _ = draw()
    z = posterior.sample(parameters, 3, SEED).numpy()
    np.testing.assert_array_equal(z, posterior.sample(parameters, 3, SEED))
    assert not np.array_equal(z, posterior.sample(parameters, 3, SEED + 1))
    assert len(np.unique(z)) == z.size


def test_a_row_with_a_seed_of_its_own_depends_on_no_other_row_and_not_on_the_compiler():
    posterior, parameters, _ = draw()
    seeds = tf.constant([[1, 2], [3, 4], [5, 6], [1, 2]])
    z = posterior.sample(parameters, 5, seeds).numpy()
    alone = posterior.sample({name: value[2:3] for name, value in parameters.items()}, 5, seeds[2:3])
    np.testing.assert_allclose(alone[:, 0], z[:, 2], rtol=1e-13)
    standard = (z - parameters["mean"]) / np.exp(parameters["log_scale"])
    np.testing.assert_allclose(standard[:, 0], standard[:, 3], rtol=1e-9)  # the same seed, the same noise
    compiled = tf.function(lambda: posterior.sample(parameters, 5, seeds), jit_compile=True)()
    np.testing.assert_allclose(compiled, z, rtol=1e-12)
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        posterior.sample(parameters, 5, seeds[:3])


def test_replicas_draw_different_noise():
    posterior, parameters, _ = draw()
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    for seed in (SEED, tf.tile(SEED[None], [4, 1])):
        run = tf.function(lambda seed=seed: strategy.run(lambda: posterior.sample(parameters, 2, seed)))
        first, second = (part.numpy() for part in strategy.experimental_local_results(run()))
        assert np.abs(first - second).min() > 1e-9


@pytest.mark.parametrize("by_row", [False, True], ids=["one_seed", "a_seed_a_row"])
def test_gradients_of_samples_are_finite_differences(by_row):
    posterior, _, projected = draw()
    seed = tf.reshape(tf.range(8), [4, 2]) if by_row else SEED

    def total(values):
        return tf.reduce_sum(posterior.sample(posterior.split(values), 5, seed) ** 3)

    values = tf.constant(projected)
    with tf.GradientTape() as tape:
        tape.watch(values)
        result = total(values)
    gradient = tape.gradient(result, values).numpy()
    for place in [(0, 0), (1, 2), (2, 3), (3, 5)]:
        step = np.zeros_like(projected)
        step[place] = 1e-5
        difference = (total(projected + step) - total(projected - step)) / 2e-5
        assert gradient[place] == pytest.approx(float(difference), rel=1e-6)


def test_log_scale_is_clipped_to_its_range():
    posterior = kv.posteriors.Laplace(1, log_scale_range=(-3, 1))
    assert posterior.split(tf.constant([[0.0, 50.0], [0.0, -50.0]]))["log_scale"].numpy().ravel().tolist() == [1, -3]
    posterior = kv.posteriors.Laplace(1)
    parameters = posterior.split(tf.constant([[0.0, 1e9], [0.0, -1e9]]))
    z = posterior.sample(parameters, 10, SEED)
    assert np.all(np.isfinite(z)) and np.all(np.isfinite(posterior.distribution(parameters).log_prob(z)))


@pytest.fixture(scope="module")
def linear():
    """A linear model with one latent dimension, a VAE with its p(x, z) and a Laplace posterior, and data."""
    model = linear_gaussian.LinearGaussian.draw(event_size=3, latent_dim=1)
    vae = linear_gaussian.linear_vae(model, kv.posteriors.Laplace)
    linear_gaussian.randomize_posterior(vae, seed=0)
    return model, vae, model.sample(4, seed=0)


def integrals(model, vae, x):
    """Return E_q[log p(x|z)], KL[q || p(z)] and KL[q || p(z|x)] of each x by quadrature, with SciPy."""
    kernel, bias = vae.posterior.projection.get_weights()
    found = []
    for row, (mean, log_scale) in zip(x, x @ kernel + bias, strict=True):
        q = scipy.stats.laplace(mean, np.exp(log_scale))
        posterior = scipy.stats.norm(model.posterior_mean(row)[0], np.sqrt(model.posterior_covariance[0, 0]))

        def log_likelihood(z, row=row):
            return scipy.stats.norm(model.weights[:, 0] * z + model.offset, model.scale).logpdf(row).sum()

        integrands = (
            log_likelihood,
            lambda z, q=q: q.logpdf(z) - scipy.stats.norm.logpdf(z),
            lambda z, q=q, posterior=posterior: q.logpdf(z) - posterior.logpdf(z),
        )
        ends = (mean - 45 * q.std(), mean + 45 * q.std())
        found.append(
            [scipy.integrate.quad(lambda z, f=f, q=q: q.pdf(z) * f(z), *ends, points=[mean])[0] for f in integrands]
        )
    return np.transpose(found)


def test_the_elbo_of_a_linear_model_is_the_integral_and_the_gap_closes_it(linear):
    model, vae, x = linear
    log_likelihood, rate, gap = integrals(model, vae, x)
    np.testing.assert_allclose(log_likelihood - rate + gap, model.log_evidence(x), rtol=1e-8)
    record = vae.infer(x, num_samples=40_000, seed=0)
    terms = vae.objective(record, step=0, training=False)
    np.testing.assert_allclose(terms.logs["kl_loss"], rate, rtol=1e-8)  # the closed form has no noise
    oracles.assert_mean_within_standard_errors(record.log_likelihood, log_likelihood)
    by_monte_carlo = kv.objectives.ELBO(kl="monte_carlo", num_samples=40_000)(record, step=0, training=False)
    ratios = record.latents[0].posterior.log_prob(record.latents[0].z) - record.latents[0].prior.log_prob(
        record.latents[0].z
    )
    oracles.assert_mean_within_standard_errors(ratios, rate)
    np.testing.assert_allclose(by_monte_carlo.logs["kl_loss"], np.mean(ratios, axis=0), rtol=1e-10)


def test_importance_samples_from_it_give_the_exact_evidence(linear):
    model, vae, x = linear
    found = kv.evaluation.log_evidence(vae, x, num_samples=20_000, seed=0)
    np.testing.assert_allclose(np.asarray(found), model.log_evidence(x), atol=0.05)


@pytest.mark.parametrize("objective", [kv.objectives.IWELBO(5, gradient="dreg"), kv.objectives.ELBO(free_bits=0.05)])
def test_it_trains_with_every_objective(objective):
    model = linear_gaussian.LinearGaussian.draw(event_size=3, latent_dim=2)
    vae = linear_gaussian.linear_vae(model, kv.posteriors.Laplace, objective=objective)
    x = model.sample(64, seed=0)
    vae.compile("adam", jit_compile=False)
    before = vae.evaluate(x, verbose=0, return_dict=True)["loss"]
    vae.fit(x, steps_per_epoch=50, verbose=0)
    assert vae.evaluate(x, verbose=0, return_dict=True)["loss"] < before


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"`latent_dim` must be >= 1. Received: latent_dim=0"):
        kv.posteriors.Laplace(0)
    with pytest.raises(ValueError, match=r"`log_scale_range` must be a pair"):
        kv.posteriors.Laplace(2, log_scale_range=(1.0, -1.0))
