"""Training on the mean of log p(x|z) over the draws of each binarized pixel."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.models.conftest import hierarchy, small_vae

SHAPE = (4, 4, 1)
GREY = np.random.default_rng(0).random((32, *SHAPE)).astype("float32")


def bernoulli_vae(**parts):
    return small_vae(SHAPE, likelihood=kv.likelihoods.Bernoulli(SHAPE), **parts)


def look_back_vae():
    options = {"window": 1, "filters": 8, "depth": 1, "features": 2, "block": 2}
    return small_vae(SHAPE, likelihood=kv.likelihoods.AutoregressiveBernoulli(SHAPE, **options))


MODELS = {
    "bernoulli": bernoulli_vae,
    "look_back": look_back_vae,
    "hierarchy": lambda: hierarchy(event_shape=SHAPE),
    "autoencoder": lambda: bernoulli_vae(
        posterior=kv.posteriors.Deterministic(2), objective=kv.objectives.Reconstruction()
    ),
}


def batches(with_probabilities):
    return kv.data.pipeline(GREY, batch_size=32, binarize="dynamic", with_probabilities=with_probabilities, seed=0)


def compiled(make, **options):
    keras.utils.set_random_seed(0)
    vae = make()
    vae.compile(keras.optimizers.SGD(0.0), **options)
    return vae


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_the_distortion_is_the_mean_over_draws_and_the_rate_is_as_it_was(make, monkeypatch):
    records = []
    kind = type(make().objective)

    def spy(self, record, *, compute=kind.__call__, **options):
        records.append(record)
        return compute(self, record, **options)

    monkeypatch.setattr(kind, "__call__", spy)
    logs = {}
    for wanted in (True, False):
        (batch,) = batches(wanted)
        vae = compiled(make, run_eagerly=True)
        logs[wanted] = vae.train_on_batch(batch, return_dict=True)
    plain = records[-1]
    logits = vae.likelihood.conditionals(plain.likelihood, plain.x).distribution.logits[0]
    averaged = tf.nn.sigmoid_cross_entropy_with_logits(tf.constant(GREY), logits)
    assert logs[True].pop("reconstruction_loss") == pytest.approx(np.sum(averaged) / 32, rel=1e-5)
    drawn = -np.mean(plain.likelihood.log_prob(plain.x))
    assert logs[False].pop("reconstruction_loss") == pytest.approx(drawn, rel=1e-5)
    assert abs(np.sum(averaged) / 32 - drawn) > 1e-3 * drawn
    assert logs[True].get("kl_loss") == logs[False].get("kl_loss")


def test_prediction_takes_the_draws_as_they_are():
    vae = compiled(bernoulli_vae)
    with_them, without = (vae.predict(batches(wanted), verbose=0) for wanted in (True, False))
    (batch,) = batches(True)
    np.testing.assert_array_equal(with_them, without)
    np.testing.assert_allclose(vae.predict_on_batch(batch), without, rtol=1e-6)


@pytest.mark.parametrize("make", [bernoulli_vae, look_back_vae])
def test_evaluation_takes_the_draws_as_they_are(make):
    vae = compiled(make)
    with_them, without = (vae.evaluate(batches(wanted), verbose=0, return_dict=True) for wanted in (True, False))
    assert with_them == without


def test_the_elbo_learned_is_that_of_the_draws():
    # Images of two kinds: training on averages reaches, on draws, what training on draws reaches.
    generator = np.random.default_rng(1)
    kinds = np.where(generator.random((2, *SHAPE)) < 0.5, 0.1, 0.9).astype("float32")
    images = kinds[generator.integers(0, 2, 512)]
    held_out = kv.data.pipeline(images, binarize="fixed", seed=1)
    found = {}
    for wanted in (True, False):
        keras.utils.set_random_seed(0)
        vae = bernoulli_vae()
        vae.compile(keras.optimizers.Adam(5e-3))
        vae.fit(
            kv.data.pipeline(
                images, batch_size=32, shuffle=True, binarize="dynamic", with_probabilities=wanted, seed=0
            ),
            epochs=30,
            verbose=0,
        )
        found[wanted] = vae.evaluate(held_out, verbose=0, return_dict=True)["elbo"]
    entropy = 16 * -(0.1 * np.log(0.1) + 0.9 * np.log(0.9)) + np.log(2)
    assert found[True] > found[False] - 0.08
    assert found[True] > -entropy - 0.4
