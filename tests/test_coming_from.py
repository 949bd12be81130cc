"""What the pages `docs/coming_from/*.md` say about other packages' numbers: their losses from our terms."""

import math
import pathlib

import keras
import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

import keras_vae as kv
from tests.test_snippets import blocks

PAGES = pathlib.Path(__file__).parents[1] / "docs" / "coming_from"
SHAPE = (8, 8, 1)
SIZE = math.prod(SHAPE)


def theirs(page):
    """Run another package's code as it stands on a page, and return its names."""
    found = {}
    for reason, code in blocks(PAGES / page):
        if reason == "theirs":
            exec(compile(code, page, "exec"), found)
    return found


def observations(shape=SHAPE):
    return np.random.default_rng(0).random((7, *shape)).astype("float32")


def small_vae(likelihood, objective=None, latent_dim=3):
    """Return a model whose decoder gives the likelihood's parameters by itself."""
    return kv.VAE(
        encoder=kv.networks.MLPEncoder((16,)),
        posterior=kv.posteriors.DiagonalGaussian(latent_dim),
        decoder=keras.Sequential([keras.layers.Dense(likelihood.event_size), keras.layers.Reshape(SHAPE)]),
        likelihood=likelihood,
        objective=objective,
        seed=0,
    )


def pass_through(vae, x):
    """Return what theirs take from one pass (mean and log-variance of q, the decoder's output) and our mean terms."""
    record = vae.infer(x, num_samples=1, seed=0)
    terms = vae.objective(record, step=0, training=False)
    posterior = record.latents[0].posterior.distribution
    ours = {name: float(tf.reduce_mean(value)) for name, value in {**terms.logs, "loss": terms.loss}.items()}
    return posterior.loc.numpy(), 2 * np.log(posterior.scale.numpy()), vae.decoder(record.latents[0].z[0]).numpy(), ours


def test_the_losses_of_keras_io_are_ours():
    mean, log_var, logits, ours = pass_through(
        small_vae(kv.likelihoods.Bernoulli(SHAPE, projection=None)), observations()
    )
    losses = theirs("keras_io.md")["keras_io_losses"](observations(), mean, log_var, scipy.special.expit(logits))
    for name, value in zip(("loss", "reconstruction_loss", "kl_loss"), losses, strict=True):
        assert float(value) == pytest.approx(ours[name], rel=1e-5)


def test_on_colour_images_the_loss_of_keras_io_is_that_of_beta_3():
    x = observations((8, 8, 3))
    likelihood = kv.likelihoods.Bernoulli((8, 8, 3))
    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder((16,)),
        posterior=kv.posteriors.DiagonalGaussian(3),
        decoder=kv.networks.MLPDecoder((16,)),
        likelihood=likelihood,
        objective=kv.objectives.ELBO(beta=3.0),
    )
    mean, log_var, features, ours = pass_through(vae, x)
    probabilities = likelihood.mean(likelihood(features)).numpy()
    loss, _, _ = theirs("keras_io.md")["keras_io_losses"](x, mean, log_var, probabilities)
    assert 3 * float(loss) == pytest.approx(ours["loss"], rel=1e-5)


def test_the_loss_of_learnopencv_is_a_scale_or_a_beta():
    weight, x, their = 1000, observations(), theirs("learnopencv.md")
    sigma = math.sqrt(SIZE / (2 * weight))
    vae = small_vae(kv.likelihoods.Gaussian(SHAPE, scale=sigma, projection=None))
    mean, log_var, image, ours = pass_through(vae, x)
    loss = float(np.mean(their["vae_loss"](x, image, mean, log_var)))
    assert loss == pytest.approx(ours["loss"] - SIZE / 2 * math.log(2 * math.pi * sigma**2), rel=1e-4)

    objective = kv.objectives.ELBO(beta=SIZE / (2 * weight))
    vae = small_vae(kv.likelihoods.Gaussian(SHAPE, scale=1.0, projection=None), objective)
    mean, log_var, image, ours = pass_through(vae, x)
    loss = float(np.mean(their["vae_loss"](x, image, mean, log_var)))
    assert loss == pytest.approx(2 * weight / SIZE * (ours["loss"] - SIZE / 2 * math.log(2 * math.pi)), rel=1e-4)

    beta = kv.objectives.beta_from_normalized(1 / (2 * weight), latent_dim=3, event_shape=SHAPE)
    averaged = float(np.mean(their["mse_loss"](x, image) + their["kl_loss"](mean, log_var) / 3))
    ours_averaged = ours["reconstruction_loss"] + beta * ours["kl_loss"] - SIZE / 2 * math.log(2 * math.pi)
    assert averaged == pytest.approx(2 * weight / SIZE * ours_averaged, rel=1e-4)


@pytest.mark.parametrize(("factor", "scale"), [(0.5, 1.0), (1.0, math.sqrt(0.5))])
def test_the_squared_errors_of_pythae_are_gaussian_likelihoods(factor, scale):
    x = observations()
    vae = small_vae(kv.likelihoods.Gaussian(SHAPE, scale=scale, projection=None))
    mean, log_var, image, ours = pass_through(vae, x)
    squares = factor * np.square(x - image).sum(axis=(1, 2, 3))
    divergence = -0.5 * np.sum(1 + log_var - mean**2 - np.exp(log_var), axis=-1)
    constant = SIZE / 2 * math.log(2 * math.pi * scale**2)
    assert np.mean(squares + divergence) == pytest.approx(ours["loss"] - constant, rel=1e-4)


def test_the_loss_of_pythaes_iwae_overstates_the_bound():
    log_weights = np.random.default_rng(0).normal(0, 2, 8)
    share = scipy.special.softmax(log_weights)
    bound = scipy.special.logsumexp(log_weights) - math.log(8)
    overstated = math.log(8) - scipy.stats.entropy(share)
    assert np.sum(share * log_weights) == pytest.approx(bound + overstated)
    assert overstated > 0.1


def test_the_kl_of_tfp_layers_counts_twice():
    their = theirs("tfp.md")
    event_size, latent_dim = 6, 4
    model = their["tfp_vae"](event_size, latent_dim, exact=True)
    x = tf.constant(np.random.default_rng(0).integers(0, 2, (5, event_size)), tf.float32)
    model.compile("adam", loss=their["negative_log_likelihood"])
    reconstruction = model(x)
    loss = model.compute_loss(x, x, reconstruction)  # what `fit` minimises
    distortion = tf.reduce_mean(their["negative_log_likelihood"](x, reconstruction))
    posterior = their["tfpl"].MultivariateNormalTriL.new(model.layers[1](x), latent_dim)
    prior = their["tfd"].MultivariateNormalDiag(tf.zeros(latent_dim), tf.ones(latent_dim))
    divergence = tf.reduce_mean(their["tfd"].kl_divergence(posterior, prior))
    assert float(loss) == pytest.approx(float(distortion + 2 * divergence), rel=1e-5)


def test_tfp_has_no_closed_form_for_its_tutorials_prior_and_we_have():
    tfd = theirs("tfp.md")["tfd"]
    posterior = tfd.MultivariateNormalTriL(tf.ones(3), 0.5 * tf.eye(3))
    prior = tfd.Independent(tfd.Normal(tf.zeros(3), 1.0), 1)
    with pytest.raises(NotImplementedError):
        tfd.kl_divergence(posterior, prior)
    expected = tfd.kl_divergence(posterior, tfd.MultivariateNormalDiag(tf.zeros(3), tf.ones(3)))
    ours = kv.posteriors.FullCovarianceGaussian(3)
    prior = kv.priors.StandardNormal()
    prior.build((None, 3))
    parameters = {"mean": tf.ones((1, 3)), "scale_tril": 0.5 * tf.eye(3)[None]}
    found = kv.divergences.closed_form_kl(ours.distribution(parameters), prior.distribution())
    assert float(found[0]) == pytest.approx(float(expected), rel=1e-5)


def test_the_poisson_of_the_page_on_scvi_tools_is_scipys():
    found = {}
    code = next(code for reason, code in blocks(PAGES / "scvi_tools.md") if not reason and "class Poisson" in code)
    exec(compile(code, "scvi_tools.md", "exec"), found)
    likelihood = found["Poisson"]((4,), projection=None)
    log_rate = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    x = np.random.default_rng(1).poisson(np.exp(log_rate)).astype("float32")
    expected = scipy.stats.poisson.logpmf(x, np.exp(log_rate)).sum(axis=1)
    np.testing.assert_allclose(likelihood.log_prob(likelihood(log_rate), x), expected, rtol=1e-5)
