"""Ordinary bad luck and extreme data: constant pixels, one image, batches of one, huge values. All stay finite."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.again import Again
from tests.models.conftest import small_vae
from tests.soaked import soaked

SHAPE = (4, 3, 1)
TOO_HIGH = 0.05  # a learning rate, by ten times
LIKELIHOODS = {
    "bernoulli": lambda: kv.likelihoods.Bernoulli(SHAPE),
    "continuous_bernoulli": lambda: kv.likelihoods.ContinuousBernoulli(SHAPE),
    "categorical": lambda: kv.likelihoods.Categorical(SHAPE, 2),
    "gaussian": lambda: kv.likelihoods.Gaussian(SHAPE, scale=0.1),
    "gaussian_learned": lambda: kv.likelihoods.Gaussian(SHAPE, scale="learned"),
    "gaussian_optimal": lambda: kv.likelihoods.Gaussian(SHAPE, scale="optimal"),
    "gaussian_per_dimension": lambda: kv.likelihoods.Gaussian(SHAPE, scale="per_dimension"),
}


def nearly_constant(n):
    """Half of the pixels do not vary at all, the others with a variance of 1e-30."""
    x = np.zeros((n, *SHAPE))
    x[:, 1] = 1.0
    x[:, 2:] += np.abs(np.random.default_rng(0).normal(scale=1e-15, size=(n, 2, 3, 1)))
    return x.astype("float32")


DATA = {
    "nearly_constant_pixels": (lambda: nearly_constant(8), 4),
    "one_image": (lambda: nearly_constant(1), 32),
    "batches_of_one": (lambda: np.random.default_rng(0).integers(0, 2, (2, *SHAPE)).astype("float32"), 1),
}


def assert_trains(vae, x, batch_size, epochs=4):
    """Train, and find every number finite."""
    history = vae.fit(x, batch_size=batch_size, epochs=epochs, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert all(np.isfinite(weight).all() for weight in vae.get_weights())
    assert np.isfinite(vae.evaluate(x, verbose=0)).all()
    return history


@pytest.mark.parametrize("likelihood", soaked(LIKELIHOODS, quick=("gaussian_learned",)))
def test_every_likelihood_trains_on(likelihood):
    vae = small_vae(likelihood=LIKELIHOODS[likelihood]())
    vae.compile(keras.optimizers.Adam(TOO_HIGH))
    again = Again(vae)
    for data, (make, batch_size) in DATA.items():
        again()
        x = make()
        if likelihood == "categorical":
            x = np.round(x)
        before = vae.evaluate(x, verbose=0)[0]
        history = assert_trains(vae, x, batch_size)
        # Losses of single images, one sample each, are mostly noise; `evaluate` repeats its own.
        if data == "batches_of_one":
            assert vae.evaluate(x, verbose=0)[0] < before, data
        else:
            assert history["loss"][-1] < history["loss"][0], data


@pytest.mark.parametrize("normalized", soaked([False, True], quick=[True]))
def test_batches_of_one_image_train_through_batch_normalization(normalized):
    vae = small_vae(
        (8, 8, 1),
        encoder=kv.networks.ConvEncoder((4,), batch_normalization=normalized),
        decoder=kv.networks.ConvDecoder((4,), batch_normalization=normalized),
        prior=kv.priors.VampPrior(2),
        objective=kv.objectives.ELBO(kl="monte_carlo"),
    )
    vae.compile(keras.optimizers.Adam(TOO_HIGH), run_eagerly=True)
    assert_trains(vae, np.ones((2, 8, 8, 1), "float32"), batch_size=1, epochs=3)


POSTERIORS = {
    "diagonal": kv.posteriors.DiagonalGaussian,
    "full_covariance": kv.posteriors.FullCovarianceGaussian,
}


def descend(vae, x, variable, entries, *, rate=10.0, steps=25):
    """Let Adam move some entries of one variable by the model's loss alone, and return where they came by.

    Every loss and gradient is finite.
    """
    optimizer = keras.optimizers.Adam(rate)
    path = []
    for step in range(steps):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(vae.objective(vae.infer(x, seed=step), step=step, training=True).loss)
        gradient = tape.gradient(loss, variable)
        assert np.isfinite(loss)
        assert np.isfinite(gradient).all()
        optimizer.apply_gradients([(gradient * entries.astype("float32"), variable)])
        path.append(variable.numpy()[entries])
    return np.array(path)


@pytest.mark.parametrize("posterior", POSTERIORS)
def test_log_variances_that_bad_luck_puts_far_outside_are_finite_and_come_back(posterior):
    vae = small_vae(posterior=POSTERIORS[posterior](2))
    vae.build()
    low, high = vae.posterior.log_var_range
    bias = vae.posterior.projection.bias
    log_vars = np.arange(bias.shape[0]) // 2 == 1
    bias.assign(np.where(log_vars, np.where(np.arange(bias.shape[0]) % 2, 150.0, -150.0), 0.0))  # below and above
    path = descend(vae, np.ones((4, 6), "float32"), bias, log_vars)
    assert np.any((path > low) & (path < high), axis=0).all()


def test_a_scale_per_dimension_that_bad_luck_makes_huge_is_finite_and_comes_back():
    vae = small_vae(SHAPE, likelihood=LIKELIHOODS["gaussian_per_dimension"]())
    vae.build()
    x = nearly_constant(4)
    bias = vae.likelihood._dense.bias
    raw = np.arange(bias.shape[0]) % 2 == 1
    bias.assign(150.0 * raw)
    np.testing.assert_allclose(vae.infer(x, seed=0).likelihood.stddev(), np.exp(20.0), rtol=1e-5)
    assert np.any(descend(vae, x, bias, raw) < 10.0, axis=0).all()
