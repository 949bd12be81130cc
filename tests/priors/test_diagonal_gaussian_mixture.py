"""The mixture of factorized Gaussians, against SciPy and against TFP's general mixture."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.priors.diagonal_gaussian_mixture import DiagonalGaussianMixture
from tests import oracles
from tests.soaked import soaked

tfd = tfp.distributions
GENERATOR = np.random.default_rng(0)
MEANS, SCALES, LOGITS = GENERATOR.normal(size=(5, 3)), GENERATOR.uniform(0.3, 2.0, (5, 3)), GENERATOR.normal(size=5)
SEED = np.int32([3, 1])


def mixture(means=MEANS, scales=SCALES, logits=LOGITS, dtype="float64", kind=DiagonalGaussianMixture):
    means, scales, logits = (tf.cast(tf.convert_to_tensor(value), dtype) for value in (means, scales, logits))
    return kind(tfd.Categorical(logits=logits), tfd.Independent(tfd.Normal(means, scales), 1))


def log_density(z, means=MEANS, scales=SCALES, logits=LOGITS):
    """Compute log p(z) with SciPy, of shape z.shape[:-1]."""
    log_weights = logits - scipy.special.logsumexp(logits)
    log_components = scipy.stats.norm.logpdf(z[..., None, :], means, scales).sum(axis=-1)
    return scipy.special.logsumexp(log_weights + log_components, axis=-1)


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3)])
def test_log_prob_is_scipys_for_any_leading_axes(shape):
    z = np.random.default_rng(1).normal(scale=2.0, size=shape)
    log_prob = mixture().log_prob(z)
    assert log_prob.shape == shape[:-1]
    np.testing.assert_allclose(log_prob, log_density(z), rtol=1e-12)


def test_float32_keeps_the_density_of_narrow_components_far_from_the_origin():
    # Expanded squares of about 1e6 cancel to a few nats here.
    generator = np.random.default_rng(2)
    means, scales = np.float32(generator.normal(scale=8.0, size=(50, 40))), np.full((50, 40), 0.05, np.float32)
    z = np.float32(means + 0.05 * generator.normal(size=means.shape))
    logits = np.zeros(50, np.float32)
    expected = log_density(z.astype("float64"), means.astype("float64"), scales.astype("float64"), logits)
    log_prob = mixture(means, scales, logits, "float32").log_prob(z)
    assert log_prob.dtype == tf.float32
    np.testing.assert_allclose(log_prob, expected, atol=1e-4)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(("components", "latent_dim"), [(1, 1), (3, 2), (300, 8)])
@pytest.mark.parametrize(("mean", "spread"), [(3.0, 1.0), (1000.0, 1.0), (0.0, 1000.0)])
def test_float32_keeps_its_digits_however_narrow_and_far_away_components_are(
    components, latent_dim, mean, spread, jit_compile
):
    generator = np.random.default_rng(3)
    shape = (components, latent_dim)
    means, logits = np.float32(mean + spread * generator.normal(size=shape)), np.zeros(components, np.float32)
    compiled = tf.function(
        lambda z, scales: mixture(means, scales, logits, "float32").log_prob(z), jit_compile=jit_compile
    )
    for log_var in (-10.0, -20.0, -30.0):
        scales = np.full(shape, np.exp(0.5 * log_var), np.float32)
        z = np.float32(means[:50] + scales[:50] * generator.normal(size=(min(components, 50), latent_dim)))
        expected = log_density(*(value.astype("float64") for value in (z, means, scales, logits)))
        tolerance = 2.0**-22 * latent_dim * (2 - log_var)  # of the terms that are added up
        np.testing.assert_allclose(compiled(z, scales), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("jit_compile", soaked([False, True], quick=[False]))
@pytest.mark.parametrize("spread", [1.0, 1e6], ids=["products", "differences"])
def test_gradients_of_many_components_are_those_of_tfps_general_mixture(spread, jit_compile, persistent):
    generator = np.random.default_rng(4)
    means, logits = spread * generator.normal(size=(100, 4)), generator.normal(size=100)
    scales = generator.uniform(0.3, 2.0, (100, 4))
    z = (means + scales * generator.normal(size=means.shape)).reshape(2, 50, 4)
    values = [tf.constant(value) for value in (z, means, scales, logits)]

    def gradients(kind):
        with tf.GradientTape(persistent=persistent) as tape:
            tape.watch(values)
            z, *parameters = values
            log_prob = mixture(*parameters, kind=kind).log_prob(z)
        return log_prob, *tape.gradient(log_prob, values)

    found = tf.function(lambda: gradients(DiagonalGaussianMixture), jit_compile=jit_compile)()
    for ours, theirs in zip(found, gradients(tfd.MixtureSameFamily), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("spread", [1.0, 1e6], ids=["products", "differences"])
def test_second_derivatives_of_many_components_are_those_of_tfps_general_mixture(spread):
    generator = np.random.default_rng(5)
    means, scales = spread * generator.normal(size=(100, 4)), generator.uniform(0.3, 2.0, (100, 4))
    z = tf.constant(means[:5] + scales[:5] * generator.normal(size=(5, 4)))

    def second_derivatives(kind):
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(z)
            with tf.GradientTape() as inner:
                inner.watch(z)
                log_prob = mixture(means, scales, np.zeros(100), kind=kind).log_prob(z)
            gradient = inner.gradient(log_prob, z)
        return outer.batch_jacobian(gradient, z, experimental_use_pfor=False)

    ours, theirs = (second_derivatives(kind) for kind in (DiagonalGaussianMixture, tfd.MixtureSameFamily))
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)


def test_gradients_are_those_of_tfps_general_mixture():
    values = [tf.constant(value) for value in (GENERATOR.normal(size=(7, 3)), MEANS, SCALES, LOGITS)]

    def gradients(kind):
        with tf.GradientTape() as tape:
            tape.watch(values)
            z, *parameters = values
            log_prob = mixture(*parameters, kind=kind).log_prob(z)
        return tape.gradient(log_prob, values)

    for ours, theirs in zip(gradients(DiagonalGaussianMixture), gradients(tfd.MixtureSameFamily), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_draws_have_the_moments_of_the_mixture():
    distribution = mixture()
    weights = scipy.special.softmax(LOGITS)
    mean = weights @ MEANS
    second_moments = np.einsum("k,ki,kj->ij", weights, MEANS, MEANS) + np.diag(weights @ SCALES**2)
    np.testing.assert_allclose(distribution.mean(), mean, rtol=1e-10)
    np.testing.assert_allclose(distribution.variance(), np.diag(second_moments) - mean**2, rtol=1e-10)
    z = distribution.sample(20_000, seed=SEED).numpy()
    oracles.assert_mean_within_standard_errors(z, mean)
    oracles.assert_mean_within_standard_errors(z[:, :, None] * z[:, None, :], second_moments)


def test_components_are_drawn_as_often_as_their_weights_say():
    z = mixture(100.0 * np.arange(5)[:, None] * np.ones(3)).sample(20_000, seed=SEED).numpy()
    component = np.round(z.mean(axis=1) / 100).astype(int)
    counts = np.bincount(component, minlength=5)
    assert scipy.stats.chisquare(counts, 20_000 * scipy.special.softmax(LOGITS)).pvalue > 1e-3


def test_draws_are_a_pure_function_of_the_seed():
    z = mixture().sample((4, 2), seed=SEED)
    assert z.shape == (4, 2, 3)
    np.testing.assert_array_equal(z, mixture().sample((4, 2), seed=SEED))
    assert not np.any(z == mixture().sample((4, 2), seed=SEED + 1))
    assert len(np.unique(z)) == 24


def test_it_compiles():
    z = np.random.default_rng(1).normal(size=(2, 4, 3)).astype("float32")
    compiled = tf.function(lambda z: mixture(dtype="float32").log_prob(z), jit_compile=True)
    np.testing.assert_allclose(compiled(z), log_density(z), rtol=1e-5)
