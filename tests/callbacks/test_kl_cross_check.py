"""The closed form against Monte Carlo during training: agreement, and an alarm where there is none."""

import sys

import keras
import numpy as np
import pytest

import keras_vae as kv
from tests.callbacks.conftest import image_vae, images
from tests.plots.helpers import hierarchical_vae


def check(vae, **arguments):
    callback = kv.callbacks.KLCrossCheck(images()[:40], **arguments)
    callback.set_model(vae)
    callback.on_train_begin()
    return callback


def readings(callback, epochs):
    found = []
    for epoch in range(epochs):
        logs = {}
        callback.on_epoch_end(epoch, logs)
        found.append(logs)
    return {name: np.array([logs[name] for logs in found]) for name in found[0]}


@pytest.fixture(scope="module")
def vae():
    vae = image_vae(run_eagerly=True)
    vae.fit(images(), epochs=2, verbose=0)
    return vae


def test_z_scores_vary_like_standard_normal_numbers(vae, caplog):
    found = readings(check(vae, num_samples=100), 60)
    scores = found["kl_z_score"]
    assert abs(scores.mean()) < 4.0 / np.sqrt(60)
    assert abs(scores.std() - 1.0) < 4.0 / np.sqrt(2 * 60)
    assert len(set(scores.tolist())) == 60
    assert not [record for record in caplog.records if record.name == "keras_vae"]
    posterior = vae.posterior_of(images()[:40])
    expected = kv.divergences.closed_form_kl(posterior, vae.prior.distribution()).numpy().mean()
    np.testing.assert_allclose(found["kl_closed_form"], expected, rtol=1e-5)
    np.testing.assert_allclose(found["kl_monte_carlo"], expected, rtol=0.2)


def test_chunks_of_bounded_memory_give_the_same_average(vae, monkeypatch):
    module = sys.modules["keras_vae.callbacks.kl_cross_check"]
    whole = readings(check(vae, num_samples=200), 1)
    monkeypatch.setattr(module, "_NUMBERS", 200 * 2 * 7)
    parts = readings(check(vae, num_samples=200), 20)
    np.testing.assert_allclose(parts["kl_closed_form"], whole["kl_closed_form"][0], rtol=1e-5)
    assert abs(parts["kl_z_score"].mean()) < 4.0 / np.sqrt(20)


def test_a_wrong_closed_form_raises_the_alarm(vae, caplog, monkeypatch):
    module = sys.modules["keras_vae.divergences.cross_check"]
    right = module.closed_form_kl
    monkeypatch.setattr(module, "closed_form_kl", lambda posterior, prior: 1.1 * right(posterior, prior))
    logs = readings(check(vae), 1)
    assert logs["kl_z_score"] < -4.0
    (record,) = [record for record in caplog.records if record.name == "keras_vae"]
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("Epoch 1: the KL divergence is ")
    assert record.getMessage().endswith("standard errors apart (more than 4).")


def test_a_posterior_that_is_the_prior_does_not_alarm():
    vae = image_vae(latent_dim=20)
    for variable in vae.posterior.trainable_variables:
        variable.assign(0.0 * variable)
    found = readings(check(vae), 5)
    assert np.abs(found["kl_z_score"]).max() < 4.0
    np.testing.assert_allclose(found["kl_monte_carlo"], 0.0, atol=1e-5)


def test_levels_of_a_hierarchical_model_are_added():
    found = readings(check(hierarchical_vae(), num_samples=200), 20)
    assert abs(found["kl_z_score"].mean()) < 4.0 / np.sqrt(20)
    assert (found["kl_closed_form"] > 0).all()


def test_what_has_no_closed_form_is_refused_before_training():
    vae = image_vae(prior=kv.priors.GaussianMixture(3), objective=kv.objectives.ELBO(kl="monte_carlo"))
    with pytest.raises(ValueError, match="`KLCrossCheck` must watch a model whose KL .* Received: There is no closed"):
        vae.fit(images(), epochs=1, verbose=0, callbacks=[kv.callbacks.KLCrossCheck(images()[:4])])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_samples": 1}, "`num_samples` must be >= 2. Received: num_samples=1"),
        ({"max_standard_errors": 0}, "`max_standard_errors` must be > 0. Received: max_standard_errors=0"),
        ({"seed": -1}, "`seed` must be >= 0. Received: seed=-1"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kv.callbacks.KLCrossCheck(images(), **arguments)


def test_another_model_is_refused():
    callback = kv.callbacks.KLCrossCheck(images())
    callback.set_model(keras.Sequential())
    with pytest.raises(TypeError, match="`KLCrossCheck.model` must be a model of `keras_vae`. Received"):
        callback.on_train_begin()
