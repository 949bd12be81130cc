"""The importance-weighted bound: its order, its value on the exact model, and both of its gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.models.conftest import binary, small_vae


def log_weights(record):
    """Return log w of a record, shape (num_samples, batch), from the distributions alone."""
    (latent,) = record.latents
    return (
        record.likelihood.log_prob(record.x) + latent.prior.log_prob(latent.z) - latent.posterior.log_prob(latent.z)
    ).numpy()


X = binary(16)


def test_one_sample_gives_the_elbo():
    record = small_vae().infer(X, seed=3)
    one = kv.objectives.IWELBO(1)(record, step=0, training=False)
    elbo = kv.objectives.ELBO(kl="monte_carlo")(record, step=0, training=False)
    np.testing.assert_allclose(one.iwelbo, elbo.elbo, rtol=1e-5)
    np.testing.assert_allclose(one.loss, elbo.loss, rtol=1e-5)


def test_it_is_the_log_mean_of_the_weights():
    record = small_vae().infer(X, num_samples=7, seed=3)
    terms = kv.objectives.IWELBO(7)(record, step=0, training=False)
    weights = log_weights(record).astype("float64")
    np.testing.assert_allclose(terms.iwelbo, np.log(np.exp(weights).mean(axis=0)), rtol=1e-5)
    np.testing.assert_allclose(terms.elbo, weights.mean(axis=0), rtol=1e-5)
    assert np.all(terms.iwelbo.numpy() >= terms.elbo.numpy() - 1e-5)


def test_it_grows_with_the_number_of_samples():
    vae = small_vae(posterior=kv.posteriors.DiagonalGaussian(2, log_var_range=(-3.0, -2.9)))
    weights = log_weights(vae.infer(X, num_samples=4096, seed=5)).astype("float64")
    bounds = [
        np.log(np.exp(weights).reshape(4096 // count, count, -1).mean(axis=1)).mean(axis=0) for count in (1, 8, 64)
    ]
    assert np.all(bounds[0] < bounds[1])
    assert np.all(bounds[1] < bounds[2])


@pytest.mark.parametrize(
    ("gradient", "settings"), [("plain", {}), ("dreg", {"jit_compile": True})], ids=["plain", "dreg-xla"]
)
def test_fit_logs_and_raises_the_bound(gradient, settings):
    vae = small_vae(objective=kv.objectives.IWELBO(8, gradient=gradient))
    vae.compile(keras.optimizers.Adam(0.01), **settings)
    history = vae.fit(X, epochs=30, batch_size=16, verbose=0).history
    assert set(history) == {"loss", "reconstruction_loss", "kl_loss", "elbo", "iwelbo"}
    assert history["iwelbo"][-1] > history["iwelbo"][0]
    assert np.all(np.array(history["iwelbo"]) >= np.array(history["elbo"]))


def gradients(vae, objective, seed):
    """Return the gradient by the posterior's and by the decoder's first kernel, as `train_step` composes them."""
    variables = [vae.posterior.projection.kernel, vae.decoder.trainable_variables[0]]
    with tf.GradientTape(persistent=True) as tape:
        terms = objective(vae.infer(X[:4], num_samples=objective.num_samples, seed=seed), step=0, training=True)
        losses = [tf.reduce_mean(loss) for loss in (terms.loss, terms.inference_loss) if loss is not None]
    return [gradient.numpy() for gradient in vae._gradients(tape, losses, variables)]


def test_both_gradients_agree_in_expectation_and_dreg_is_less_noisy():
    vae = small_vae()
    vae.build()
    draws = {}
    for gradient in ("plain", "dreg"):
        objective = kv.objectives.IWELBO(16, gradient=gradient)
        compiled = tf.function(lambda seed, objective=objective: _gradients_in_graph(vae, objective, seed))
        draws[gradient] = np.array([compiled(tf.constant([seed, 0])).numpy() for seed in range(400)])
    means = {name: values.mean(axis=0) for name, values in draws.items()}
    errors = {name: values.std(axis=0, ddof=1) / 20 for name, values in draws.items()}
    difference = means["plain"] - means["dreg"]
    standard_error = np.hypot(errors["plain"], errors["dreg"])
    # 64 entries: four standard errors for most, five for the worst.
    assert np.mean(np.abs(difference) <= 4 * standard_error) > 0.98
    assert np.all(np.abs(difference) <= 5 * standard_error)
    assert draws["dreg"].var(axis=0).mean() < 0.8 * draws["plain"].var(axis=0).mean()


def _gradients_in_graph(vae, objective, seed):
    variable = vae.posterior.projection.kernel.value
    with tf.GradientTape(persistent=True) as tape:
        terms = objective(vae.infer(X[:4], num_samples=16, seed=seed), step=0, training=True)
        losses = [tf.reduce_mean(loss) for loss in (terms.loss, terms.inference_loss) if loss is not None]
    return tf.reshape(tape.gradient(losses[-1], variable), [-1])


def test_the_decoder_gets_the_plain_gradient_either_way():
    vae = small_vae()
    vae.build()
    plain, dreg = (gradients(vae, kv.objectives.IWELBO(8, gradient=name), seed=2) for name in ("plain", "dreg"))
    np.testing.assert_allclose(plain[1], dreg[1], rtol=1e-5)
    assert np.abs(plain[0] - dreg[0]).max() > 1e-5


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match="`num_samples` must be >= 1. Received: num_samples=0"):
        kv.objectives.IWELBO(0)
    with pytest.raises(ValueError, match="`gradient` must be one of"):
        kv.objectives.IWELBO(gradient="reinforce")
