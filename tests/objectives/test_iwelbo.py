"""The importance-weighted bound: its order, its value on the exact model, and both of its gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.models.conftest import binary, hierarchy, small_vae
from tests.soaked import soaked


def log_weights(record):
    """Return log w of a record, shape (num_samples, batch), from the distributions alone."""
    (latent,) = record.latents
    return (record.log_likelihood + latent.prior.log_prob(latent.z) - latent.posterior.log_prob(latent.z)).numpy()


X = binary(16)
MONTE_CARLO = kv.objectives.ELBO(kl="monte_carlo")


def test_one_sample_gives_the_elbo():
    record = small_vae().infer(X, seed=3)
    one = kv.objectives.IWELBO(1)(record, step=0, training=False)
    elbo = kv.objectives.ELBO(kl="monte_carlo")(record, step=0, training=False)
    np.testing.assert_allclose(one.logs["iwelbo"], elbo.logs["elbo"], rtol=1e-5)
    np.testing.assert_allclose(one.loss, elbo.loss, rtol=1e-5)


def test_it_is_the_log_mean_of_the_weights():
    record = small_vae().infer(X, num_samples=7, seed=3)
    terms = kv.objectives.IWELBO(7)(record, step=0, training=False)
    weights = log_weights(record).astype("float64")
    np.testing.assert_allclose(terms.logs["iwelbo"], np.log(np.exp(weights).mean(axis=0)), rtol=1e-5)
    np.testing.assert_allclose(terms.logs["elbo"], weights.mean(axis=0), rtol=1e-5)
    assert np.all(terms.logs["iwelbo"].numpy() >= terms.logs["elbo"].numpy() - 1e-5)


def test_it_grows_with_the_number_of_samples():
    vae = small_vae(posterior=kv.posteriors.DiagonalGaussian(2, log_var_range=(-3.0, -2.9)))
    weights = log_weights(vae.infer(X, num_samples=4096, seed=5)).astype("float64")
    bounds = [
        np.log(np.exp(weights).reshape(4096 // count, count, -1).mean(axis=1)).mean(axis=0) for count in (1, 8, 64)
    ]
    assert np.all(bounds[0] < bounds[1])
    assert np.all(bounds[1] < bounds[2])


@pytest.mark.parametrize(("gradient", "xla"), soaked([("plain", False), ("dreg", True)], quick=[("dreg", True)]))
def test_fit_logs_and_raises_the_bound(gradient, xla):
    vae = small_vae(objective=kv.objectives.IWELBO(8, gradient=gradient))
    vae.compile(keras.optimizers.Adam(0.01), jit_compile=xla)
    history = vae.fit(np.tile(X, (10, 1)), epochs=3, batch_size=16, verbose=0).history
    assert set(history) == {"loss", "reconstruction_loss", "kl_loss", "elbo", "iwelbo"}
    assert history["iwelbo"][-1] > history["iwelbo"][0]
    assert np.all(np.array(history["iwelbo"]) >= np.array(history["elbo"]))


def vamp_prior():
    return kv.priors.VampPrior(5, mean=0.5, stddev=0.3)


GRADIENT_MODELS = {
    "flat": lambda: small_vae(objective=MONTE_CARLO),
    "vamp": lambda: small_vae(objective=MONTE_CARLO, prior=vamp_prior()),
    "two levels": lambda: hierarchy(objective=MONTE_CARLO),
    "three levels, vamp": lambda: hierarchy((4, 3, 2), objective=MONTE_CARLO, prior=vamp_prior()),
}


def draws_of(vae, num_samples, gradient, count):
    """Return draws of the gradient by all weights, as `train_step` composes it, shape (count, weights).

    Each is a mean over many rows of noise, so that draws are close to Gaussian.
    """
    objective = kv.objectives.IWELBO(num_samples, gradient=gradient)
    x, variables = np.tile(X[:4], (50, 1)), vae.trainable_variables

    @tf.function
    def draw(seed):
        with tf.GradientTape(persistent=True) as tape:
            terms = objective(vae.infer(x, num_samples=num_samples, seed=seed), step=0, training=True)
            losses = [tf.reduce_mean(loss) for loss in (terms.loss, *(terms.inference_losses or ()))]
        gradients = vae._gradients(tape, losses, variables)
        return tf.concat([tf.reshape(part, [-1]) for part in gradients], axis=0)

    return np.array([draw(tf.constant([seed, 0])).numpy() for seed in range(count)])


def is_of_an_encoder(vae):
    """Tell for each entry of such a draw whether it is of a weight that makes q."""
    inference = [id(variable) for part in vae.inference_parts for variable in part.variables]
    return np.concatenate([np.full(v.shape, id(v) in inference).ravel() for v in vae.trainable_variables])


@pytest.mark.parametrize("model", soaked(GRADIENT_MODELS, quick=["flat"]))
def test_both_gradients_agree_in_expectation_and_dreg_is_less_noisy(model):
    keras.utils.set_random_seed(1)
    vae, count = GRADIENT_MODELS[model](), 100
    vae.compile(keras.optimizers.Adam(0.02))
    vae.fit(np.tile(X, (100, 1)), batch_size=16, verbose=0)  # to where z says something, in one epoch: each costs time
    draws = {gradient: draws_of(vae, 16, gradient, count) for gradient in ("plain", "dreg")}
    encoder = is_of_an_encoder(vae)
    np.testing.assert_allclose(draws["plain"][:, ~encoder], draws["dreg"][:, ~encoder], rtol=1e-5, atol=1e-6)
    difference = draws["plain"][:, encoder] - draws["dreg"][:, encoder]
    assert np.abs(difference).max() > 1e-5
    standard_error = difference.std(axis=0, ddof=1) / np.sqrt(count)
    assert np.all(np.abs(difference.mean(axis=0)) <= 4.5 * standard_error + 1e-7)
    if "vamp" not in model:  # what that prior adds to the encoder's gradient is as noisy as it was
        noise = {gradient: values[:, encoder].var(axis=0).sum() for gradient, values in draws.items()}
        assert noise["dreg"] < 0.5 * noise["plain"]


def test_an_encoder_that_shares_weights_with_another_part_is_refused():
    shared = kv.networks.MLPEncoder((8, 8))
    inputs = [keras.Input((6,)), keras.Input((2,))]
    features = keras.layers.Dense(6)(keras.layers.Concatenate()(inputs))
    encoders = [keras.Model(inputs, shared(features)), shared]
    vae = hierarchy(encoders=encoders, objective=kv.objectives.IWELBO(5, gradient="dreg"))
    with pytest.raises(ValueError, match="where an encoder shares weights with another level"):
        vae.compile("adam")
    vae = hierarchy(encoders=encoders, objective=kv.objectives.IWELBO(5))
    vae.compile("adam")


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match="`num_samples` must be >= 1. Received: num_samples=0"):
        kv.objectives.IWELBO(0)
    with pytest.raises(ValueError, match="`gradient` must be one of"):
        kv.objectives.IWELBO(gradient="reinforce")
