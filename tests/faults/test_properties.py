"""Models of any shape and any parts: what is inferred, trained, saved, loaded and exported agrees."""

import tempfile
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import keras_vae as kv

IMAGES = st.tuples(st.integers(2, 9), st.integers(2, 9), st.sampled_from([1, 2, 3]))
EVENTS = st.one_of(IMAGES, st.tuples(st.integers(1, 12)), st.tuples(st.integers(1, 6), st.integers(1, 4)))
LIKELIHOODS = {
    "bernoulli": kv.likelihoods.Bernoulli,
    "continuous_bernoulli": kv.likelihoods.ContinuousBernoulli,
    "categorical": lambda shape: kv.likelihoods.Categorical(shape, 3),
    "one_hot": lambda shape: kv.likelihoods.Categorical(shape, 3, encoding="one_hot"),
    "gaussian": lambda shape: kv.likelihoods.Gaussian(shape, scale=0.5),
    "gaussian_learned": lambda shape: kv.likelihoods.Gaussian(shape, scale="learned"),
    "gaussian_optimal": lambda shape: kv.likelihoods.Gaussian(shape, scale="optimal"),
    "gaussian_per_dimension": lambda shape: kv.likelihoods.Gaussian(shape, scale="per_dimension"),
}
PRIORS = {
    "standard_normal": kv.priors.StandardNormal,
    "mixture": lambda: kv.priors.GaussianMixture(3),
    "vamp": lambda: kv.priors.VampPrior(2),
}
POSTERIORS = {
    "diagonal": kv.posteriors.DiagonalGaussian,
    "full_covariance": kv.posteriors.FullCovarianceGaussian,
}
OBJECTIVES = {
    "elbo": kv.objectives.ELBO,
    "scheduled": lambda: kv.objectives.ELBO(kv.schedules.LinearSchedule(0.5, 2.0, steps=3)),
    "monte_carlo": lambda: kv.objectives.ELBO(kl="monte_carlo", num_samples=2),
    "iwelbo": lambda: kv.objectives.IWELBO(3),
}


class Case(NamedTuple):
    """What a model is made of, and the size of its batch."""

    event_shape: tuple
    likelihood: str
    prior: str
    posterior: str
    latent_dim: int
    objective: str
    convolutional: bool
    batch_size: int


@st.composite
def cases(draw):
    """Draw parts that fit together."""
    event_shape = draw(EVENTS)
    likelihood = draw(st.sampled_from(sorted(LIKELIHOODS)))
    # One-hot images have four axes, and convolutions take three.
    may_be_convolutional = len(event_shape) == 3 and likelihood != "one_hot"
    prior = draw(st.sampled_from(sorted(PRIORS)))
    closed_form = ["elbo", "scheduled"] if prior == "standard_normal" else []
    return Case(
        event_shape,
        likelihood,
        prior,
        draw(st.sampled_from(sorted(POSTERIORS))),
        draw(st.integers(1, 5)),
        draw(st.sampled_from(["monte_carlo", "iwelbo", *closed_form])),
        may_be_convolutional and draw(st.booleans()),
        draw(st.integers(1, 6)),
    )


def build(case):
    """Make the model and a batch for it."""
    vae = kv.VAE(
        encoder=kv.networks.ConvEncoder((3, 4)) if case.convolutional else kv.networks.MLPEncoder((5,)),
        posterior=POSTERIORS[case.posterior](case.latent_dim),
        decoder=kv.networks.ConvDecoder((4, 3)) if case.convolutional else kv.networks.MLPDecoder((5,)),
        likelihood=LIKELIHOODS[case.likelihood](case.event_shape),
        prior=PRIORS[case.prior](),
        objective=OBJECTIVES[case.objective](),
        seed=1,
    )
    x = np.random.default_rng(0).integers(0, 2, (case.batch_size, *case.event_shape))
    return vae, (np.eye(3)[x] if case.likelihood == "one_hot" else x).astype("float32")


def assert_equal_models(vae, other, x):
    """Compare all that two models answer, at one seed."""
    record, again = (model.infer(x, num_samples=2, seed=3) for model in (vae, other))
    for one, two in zip(record.latents, again.latents, strict=True):
        np.testing.assert_allclose(two.z, one.z, rtol=1e-5, atol=1e-6)
    for one, two in [
        (record.log_likelihood, again.log_likelihood),
        (vae.evaluate(x, verbose=0), other.evaluate(x, verbose=0)),
        (vae.encode(x), other.encode(x)),
        (vae.reconstruct(x), other.reconstruct(x)),
        (vae.generate(2, seed=5), other.generate(2, seed=5)),
    ]:
        np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-5)


def check(vae, x, directory):
    """Infer, train a step, save and load."""
    batch, latent_dim = len(x), vae.latent_dim
    record = vae.infer(x, num_samples=2, seed=0)
    assert record.latents[0].z.shape == (2, batch, latent_dim)
    assert record.log_likelihood.shape == (2, batch)
    vae.compile("adam", run_eagerly=True)
    before = vae.get_weights()
    logs = vae.train_on_batch(x, return_dict=True)
    assert set(logs) == {tracker.name for tracker in vae.metrics}
    assert all(np.isfinite(value) for value in logs.values())
    assert any(not np.array_equal(one, two) for one, two in zip(before, vae.get_weights(), strict=True))
    assert vae.encode(x).shape == (batch, latent_dim)
    assert vae.generate(2, seed=0).shape[1:] == vae.reconstruct(x).shape[1:]

    vae.save(f"{directory}/model.keras")
    loaded = kv.load_model(f"{directory}/model.keras")
    loaded.run_eagerly = True
    assert_equal_models(vae, loaded, x)
    assert int(loaded.optimizer.iterations) == 1


def check_export(vae, x, directory):
    """Export, and compare what the signatures answer."""
    signatures = tf.saved_model.load(kv.export.saved_model(vae, f"{directory}/served")).signatures
    reconstruction = signatures["serving_default"](x=tf.constant(x))["reconstruction"]
    np.testing.assert_allclose(reconstruction, vae.reconstruct(x), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(signatures["encode"](x=tf.constant(x))["mean"], vae.encode(x), rtol=1e-5, atol=1e-5)
    z = np.linspace(-1.0, 1.0, vae.latent_dim, dtype="float32")[None]
    np.testing.assert_allclose(signatures["decode"](z=tf.constant(z))["mean"], vae.decode(z), rtol=1e-5, atol=1e-5)


def examples(number):
    """The same examples in every run, however long each takes."""
    suppressed = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(
        max_examples=number, derandomize=True, deadline=None, database=None, suppress_health_check=suppressed
    )


@pytest.mark.soak
@examples(50)
@given(case=cases())
def test_many_models_are_trained_saved_and_loaded(case):
    with tempfile.TemporaryDirectory() as directory:
        check(*build(case), directory)


@pytest.mark.soak
@examples(10)
@given(case=cases())
def test_many_models_are_exported(case):
    with tempfile.TemporaryDirectory() as directory:
        check_export(*build(case), directory)
