"""The whole chain from x to the elbo against a model whose evidence and posterior are exact."""

import keras
import numpy as np
import pytest
import scipy.special

import keras_vae as kv
from tests.linear_gaussian import (
    LinearGaussian,
    linear_vae,
    maximum_likelihood,
    moments,
    randomize_posterior,
    set_posterior,
    sigma_point_record,
)
from tests.soaked import soaked

DIAGONAL = kv.posteriors.DiagonalGaussian
FULL = kv.posteriors.FullCovarianceGaussian
CORRELATED = LinearGaussian.draw()
ORTHOGONAL = LinearGaussian.draw(orthogonal=True)
TOLERANCE = {"float64": 1e-9, "float32": 1e-4}

posteriors = pytest.mark.parametrize("posterior", [DIAGONAL, FULL])
kls = pytest.mark.parametrize("kl", ["closed_form", "monte_carlo"])
precisions = pytest.mark.parametrize("dtype", ["float64", "float32"])
exact_posteriors = pytest.mark.parametrize(
    ("posterior", "model"),
    [(DIAGONAL, ORTHOGONAL), (FULL, ORTHOGONAL), (FULL, CORRELATED)],
    ids=["diagonal", "full_uncorrelated", "full"],
)


def terms(objective, record):
    """Evaluate an objective outside of training."""
    return objective(record, step=0, training=False)


def exact_elbo(vae, x, kl="closed_form"):
    """Compute the elbo with the package's objective, without noise."""
    return terms(kv.objectives.ELBO(kl=kl), sigma_point_record(vae, x)).logs["elbo"].numpy()


def log_weights(record):
    """Return log p(x|z) + log p(z) - log q(z|x) sample by sample, of shape (num_samples, batch)."""
    (latent,) = record.latents
    log_joint = record.log_likelihood + latent.prior.log_prob(latent.z)
    return (log_joint - latent.posterior.log_prob(latent.z)).numpy()


def standard_error_of_elbo(record, kl):
    """Return the standard error of each example's sampled elbo, of shape (batch,)."""
    samples = log_weights(record) if kl == "monte_carlo" else record.log_likelihood.numpy()
    return samples.std(axis=0, ddof=1) / np.sqrt(len(samples))


def log_mean(log_values):
    """Average in the linear domain: the logarithm of the mean over samples, and its standard error (delta method)."""
    log_average = scipy.special.logsumexp(log_values, axis=0) - np.log(len(log_values))
    relative = np.exp(log_values - log_average)
    return log_average, relative.std(axis=0, ddof=1) / np.sqrt(len(log_values))


@precisions
@kls
@posteriors
def test_elbo_plus_gap_equals_exact_evidence(posterior, kl, dtype):
    vae = linear_vae(CORRELATED, posterior, dtype=dtype)
    x = CORRELATED.sample(50, seed=1)
    for seed in range(3):
        randomize_posterior(vae, seed=seed)
        mean, factor = moments(vae.posterior_of(x))
        gap = CORRELATED.gap(x, mean, factor @ np.swapaxes(factor, 1, 2))
        assert gap.min() > 0.1
        np.testing.assert_allclose(
            exact_elbo(vae, x, kl) + gap, CORRELATED.log_evidence(x), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype]
        )


@kls
@posteriors
def test_sampled_elbo_agrees_with_the_exact_one_within_its_standard_error(posterior, kl):
    vae = linear_vae(CORRELATED, posterior)
    randomize_posterior(vae, seed=3, deviation=0.1, log_var=-1.5)
    x = CORRELATED.sample(20, seed=2)
    record = vae.infer(x, num_samples=5000, seed=0)
    mean, factor = moments(record.latents[0].posterior)
    exact = CORRELATED.elbo(x, mean, factor @ np.swapaxes(factor, 1, 2))
    standard_error = standard_error_of_elbo(record, kl)
    assert standard_error.max() < 0.5
    assert np.all(np.abs(terms(kv.objectives.ELBO(kl=kl), record).logs["elbo"] - exact) < 4 * standard_error)


@precisions
@exact_posteriors
def test_with_the_exact_posterior_the_elbo_is_the_evidence(posterior, model, dtype):
    vae = linear_vae(model, posterior, dtype=dtype)
    set_posterior(vae, model)
    x = model.sample(50, seed=1)
    np.testing.assert_allclose(exact_elbo(vae, x), model.log_evidence(x), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@precisions
@exact_posteriors
def test_with_the_exact_posterior_every_single_sample_gives_the_evidence(posterior, model, dtype):
    vae = linear_vae(model, posterior, dtype=dtype)
    set_posterior(vae, model)
    x = model.sample(50, seed=1)
    record = vae.infer(x, num_samples=7, seed=0)
    assert record.latents[0].z.numpy().std(axis=0).min() > 0.05
    tolerance = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    np.testing.assert_allclose(log_weights(record), np.tile(model.log_evidence(x), (7, 1)), **tolerance)
    one = terms(kv.objectives.ELBO(kl="monte_carlo"), vae.infer(x, seed=1))
    np.testing.assert_allclose(one.logs["elbo"], model.log_evidence(x), **tolerance)


@posteriors
def test_elbo_is_never_above_the_evidence(posterior):
    vae = linear_vae(CORRELATED, posterior)
    x = CORRELATED.sample(50, seed=1)
    for seed, deviation in enumerate([0.01, 0.1, 0.3, 1.0]):
        randomize_posterior(vae, seed=seed, deviation=deviation)
        assert np.all(exact_elbo(vae, x) < CORRELATED.log_evidence(x))


@exact_posteriors
def test_importance_sampling_from_the_posterior_gives_the_evidence(posterior, model):
    vae = linear_vae(model, posterior)
    set_posterior(vae, model, widening=1.3)
    x = model.sample(20, seed=1)
    log_weight = log_weights(vae.infer(x, num_samples=5000, seed=0))
    estimate, standard_error = log_mean(log_weight)
    assert standard_error.max() < 0.02
    assert np.all(np.abs(estimate - model.log_evidence(x)) < 4 * standard_error)
    assert np.all(log_weight.mean(axis=0) < model.log_evidence(x) - 4 * standard_error)  # the elbo is lower


def test_sampling_from_the_prior_gives_the_evidence():
    model = LinearGaussian.draw(event_size=4, latent_dim=2, scale=0.9)
    vae = linear_vae(model, FULL)
    x = model.sample(20, seed=1)
    z = vae.prior.distribution().sample(20_000, seed=[0, 1])
    parameters = vae.likelihood(vae.decoder(z))
    parameters["mean"] = parameters["mean"][:, None]  # every z with every x
    estimate, standard_error = log_mean(vae.likelihood.distribution(parameters).log_prob(x).numpy())
    assert standard_error.max() < 0.2
    assert np.all(np.abs(estimate - model.log_evidence(x)) < 4 * standard_error)


@exact_posteriors
def test_at_the_exact_posterior_rate_is_mutual_information_and_distortion_is_entropy_of_the_noise(posterior, model):
    vae = linear_vae(model, posterior)
    set_posterior(vae, model)
    n = 20_000
    found = terms(kv.objectives.ELBO(), sigma_point_record(vae, model.sample(n, seed=1)))
    mutual_information = -0.5 * np.linalg.slogdet(model.posterior_covariance)[1]
    entropy = 0.5 * len(model.offset) * (1 + np.log(2 * np.pi * model.scale**2))
    for values, expected in ((found.logs["kl_loss"], mutual_information), (found.logs["reconstruction_loss"], entropy)):
        standard_error = np.std(values) / np.sqrt(n)
        assert standard_error < 0.05
        assert abs(np.mean(values) - expected) < 4 * standard_error


@pytest.mark.parametrize(
    ("posterior", "model", "kl", "left"),
    [
        (FULL, CORRELATED, "monte_carlo", 0.0),
        (DIAGONAL, ORTHOGONAL, "closed_form", 0.0),
        (DIAGONAL, CORRELATED, "closed_form", CORRELATED.mean_field_gap()),
    ],
    ids=["full", "diagonal", "diagonal_where_the_exact_posterior_is_not"],
)
def test_training_closes_the_gap_down_to_what_the_family_leaves(posterior, model, kl, left):
    vae = linear_vae(model, posterior, objective=kv.objectives.ELBO(kl=kl, num_samples=8), dtype="float32")
    randomize_posterior(vae, seed=0)
    vae.decoder.trainable = False
    x = model.sample(2000, seed=1).astype("float32")
    evidence = model.log_evidence(x).mean()
    assert evidence - exact_elbo(vae, x).mean() > left + 1.0
    vae.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 200)))
    vae.fit(x, batch_size=100, epochs=10, verbose=0)
    elbo = exact_elbo(vae, x).mean()
    assert left - 1e-4 < evidence - elbo < left + 5e-3
    logged = vae.evaluate(x, verbose=0, return_dict=True)["elbo"]
    standard_error = np.linalg.norm(standard_error_of_elbo(vae.infer(x, num_samples=8, seed=0), kl)) / len(x)
    assert standard_error < 0.02
    assert abs(logged - elbo) < 4 * standard_error + 1e-5  # the latter for float32


@pytest.mark.parametrize("scale", soaked(["learned", "optimal"], quick=["optimal"]))
def test_trained_from_scratch_a_linear_vae_reaches_the_maximum_likelihood_of_probabilistic_pca(scale):
    x = CORRELATED.sample(2000, seed=1).astype("float32")
    start = LinearGaussian.draw(seed=5)
    vae = linear_vae(start, DIAGONAL, objective=kv.objectives.ELBO(num_samples=8), scale=scale, dtype="float32")
    randomize_posterior(vae, seed=0)
    vae.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 400)))
    vae.fit(x, batch_size=100, epochs=20, verbose=0)
    best = maximum_likelihood(x, latent_dim=3)
    assert best - 0.02 < exact_elbo(vae, x).mean() < best + 1e-4


def weighted_loss_at_the_optimum(model, beta, x):
    """Minimise distortion + beta * rate over q: the evidence of the model with scale s sqrt(beta), and constants.

    Dividing by beta turns 1 / (2 s^2) into 1 / (2 beta s^2), so q's optimum is that model's posterior.
    """
    softer = model.rescaled(np.sqrt(beta))
    constants = np.log(2 * np.pi * model.scale**2) - beta * np.log(2 * np.pi * softer.scale**2)
    return -beta * softer.log_evidence(x) + 0.5 * len(model.offset) * constants


@pytest.mark.parametrize("beta", [0.25, 1.0, 4.0])
def test_beta_is_a_scale_of_the_likelihood_up_to_constants(beta):
    vae = linear_vae(CORRELATED, FULL)
    x = CORRELATED.sample(50, seed=1)
    objective = kv.objectives.ELBO(beta=beta)
    expected = weighted_loss_at_the_optimum(CORRELATED, beta, x)
    set_posterior(vae, CORRELATED.rescaled(np.sqrt(beta)))
    np.testing.assert_allclose(terms(objective, sigma_point_record(vae, x)).loss, expected, rtol=1e-9, atol=1e-9)
    set_posterior(vae, CORRELATED.rescaled(1.1 * np.sqrt(beta)))
    assert np.all(terms(objective, sigma_point_record(vae, x)).loss > expected)


@pytest.mark.parametrize("beta", [0.25, 1.0, 4.0])
def test_beta_is_the_slope_of_distortion_against_rate_at_the_optimum(beta):
    vae = linear_vae(CORRELATED, FULL)
    x = CORRELATED.sample(50, seed=1)
    rates, distortions = [], []
    for nearby in (0.999 * beta, 1.001 * beta):
        set_posterior(vae, CORRELATED.rescaled(np.sqrt(nearby)))
        found = terms(kv.objectives.ELBO(), sigma_point_record(vae, x))
        rates.append(found.logs["kl_loss"].numpy().mean())
        distortions.append(found.logs["reconstruction_loss"].numpy().mean())
    assert rates[0] > rates[1]
    assert np.diff(distortions)[0] / np.diff(rates)[0] == pytest.approx(-beta, rel=1e-5)


@pytest.mark.parametrize("weight", [1.0, 1000.0])
def test_a_weight_on_the_mean_squared_error_is_a_scale_of_the_likelihood(weight):
    size = len(CORRELATED.offset)
    scale = np.sqrt(size / (2 * weight))
    vae = linear_vae(CORRELATED, DIAGONAL, scale=scale)
    randomize_posterior(vae, seed=0)
    x = CORRELATED.sample(50, seed=1)
    record = vae.infer(x, num_samples=3, seed=0)
    found = terms(kv.objectives.ELBO(), record)
    mean_squared_error = np.square(x - record.likelihood.mean()).mean(axis=(0, 2))
    tutorial = weight * mean_squared_error + found.logs["kl_loss"]
    np.testing.assert_allclose(found.loss, tutorial + 0.5 * size * np.log(2 * np.pi * scale**2), rtol=1e-9)


def test_without_rate_and_without_noise_the_elbo_is_the_plain_autoencoders_objective():
    vae = linear_vae(CORRELATED, DIAGONAL)
    plain = linear_vae(CORRELATED, kv.posteriors.Deterministic, objective=kv.objectives.Reconstruction())
    randomize_posterior(vae, seed=0)
    kernel, bias = (weight.numpy() for weight in vae.posterior.projection.weights)
    plain.posterior.projection.set_weights([kernel[:, :3], bias[:3]])
    x = CORRELATED.sample(50, seed=1)
    expected = terms(plain.objective, plain.infer(x, seed=0)).loss
    excesses = []
    for log_var in (0.0, -10.0, -20.0):
        kernel[:, 3:], bias[3:] = 0.0, log_var
        vae.posterior.projection.set_weights([kernel, bias])
        excesses.append(terms(kv.objectives.ELBO(beta=0.0), sigma_point_record(vae, x)).loss - expected)
        spread = np.exp(log_var) * np.square(CORRELATED.weights).sum() / (2 * CORRELATED.scale**2)
        np.testing.assert_allclose(excesses[-1], np.full(50, spread), rtol=1e-6, atol=1e-9)
    assert np.max(excesses[-1]) < 1e-6


def test_as_beta_goes_to_zero_reconstructions_become_those_of_the_plain_linear_autoencoder():
    vae = linear_vae(CORRELATED, FULL)
    x = CORRELATED.sample(50, seed=1)
    projector = CORRELATED.weights @ np.linalg.pinv(CORRELATED.weights)
    least_squares = CORRELATED.offset + (x - CORRELATED.offset) @ projector
    distances = []
    for beta in (1.0, 1e-2, 1e-8):
        set_posterior(vae, CORRELATED.rescaled(np.sqrt(beta)))
        distances.append(np.abs(vae.reconstruct(x) - least_squares).max())
    assert distances[0] > 0.1 > distances[1] > 1e-6 > distances[2]
