"""Trained for real: a bound passed on real images, and the plain autoencoder beside the VAE."""

import keras
import numpy as np
import pytest

import keras_vae as kv

pytestmark = pytest.mark.soak  # a minute and a half of training


def train(images, *, posterior, likelihood, objective=None, epochs, binarize=None):
    """Train a small convolutional model for a few epochs."""
    keras.utils.set_random_seed(0)
    vae = kv.VAE(
        encoder=kv.networks.ConvEncoder((16, 32)),
        posterior=posterior,
        decoder=kv.networks.ConvDecoder((32, 16)),
        likelihood=likelihood,
        objective=objective,
    )
    vae.compile(keras.optimizers.Adam(2e-3))
    vae.fit(kv.data.pipeline(images, batch_size=64, shuffle=True, binarize=binarize, seed=0), epochs=epochs, verbose=0)
    return vae


def test_the_elbo_on_real_images_beats_every_model_of_independent_pixels(fashion):
    train_set, test_set = fashion
    images, test_images = train_set.images[:4000], test_set.images[:1000]
    vae = train(
        images,
        posterior=kv.posteriors.DiagonalGaussian(8),
        likelihood=kv.likelihoods.Bernoulli(images.shape[1:]),
        epochs=24_000 // len(images),  # six of Fashion-MNIST; the digits are fewer
        binarize="dynamic",
    )
    x = kv.data.binarize(test_images, seed=777)
    elbo = vae.evaluate(x, batch_size=128, return_dict=True, verbose=0)["elbo"]

    # The best that any model of independent pixels can do on these very images: their own frequencies.
    frequency = np.clip(x.mean(axis=0), 1e-6, 1 - 1e-6)
    independent = (x * np.log(frequency) + (1 - x) * np.log(1 - frequency)).sum(axis=(1, 2, 3)).mean()
    assert elbo > independent + 0.05 * abs(independent)
    if images.shape[1:] == (28, 28, 1):
        assert elbo > independent + 0.25 * abs(independent)
        # Stated for Fashion-MNIST: published VAEs reach about -230 after a thousand epochs of 50,000 images.
        assert -300.0 < elbo < -225.0


def energy_distance(a, b):
    """Estimate the energy distance 2 E|A - B| - E|A - A'| - E|B - B'| of two samples of images, without bias."""
    a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)

    def distances(one, other):
        squared = (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * one @ other.T
        return np.sqrt(np.maximum(squared, 0))

    def within(sample):
        return distances(sample, sample).sum() / (len(sample) * (len(sample) - 1))

    return 2 * distances(a, b).mean() - within(a) - within(b)


@pytest.fixture(scope="module")
def autoencoder_and_vae(fashion):
    """Train a plain autoencoder and a VAE of the same networks on the same images."""
    images = fashion[0].images[:4000]
    likelihood = {"event_shape": images.shape[1:], "scale": 0.2}
    plain = train(
        images,
        posterior=kv.posteriors.Deterministic(8),
        likelihood=kv.likelihoods.Gaussian(**likelihood),
        objective=kv.objectives.Reconstruction(),
        epochs=8,
    )
    vae = train(
        images, posterior=kv.posteriors.DiagonalGaussian(8), likelihood=kv.likelihoods.Gaussian(**likelihood), epochs=8
    )
    return plain, vae


def test_the_plain_autoencoder_reconstructs_better_and_generates_worse(autoencoder_and_vae, fashion):
    plain, vae = autoencoder_and_vae
    test = fashion[1].images[:1000].astype("float32") / 255
    errors = [np.mean((model.reconstruct(test) - test) ** 2) for model in (plain, vae)]
    assert errors[0] < errors[1]
    # Generation is measured by the energy distance of 1000 images decoded from the prior to 1000 test images.
    distances = [energy_distance(model.generate(1000, seed=0), test) for model in (plain, vae)]
    assert distances[0] > 1.5 * distances[1] > 0


def test_the_plain_autoencoder_logs_neither_kl_nor_elbo(autoencoder_and_vae, fashion):
    plain, _ = autoencoder_and_vae
    test = fashion[1].images[:100].astype("float32") / 255
    logs = plain.evaluate(test, return_dict=True, verbose=0)
    assert set(logs) == {"loss", "reconstruction_loss"}
    size, variance = test[0].size, 0.2**2
    squared_error = ((plain.reconstruct(test) - test) ** 2).sum(axis=(1, 2, 3)).mean()
    expected = squared_error / (2 * variance) + size / 2 * np.log(2 * np.pi * variance)
    assert logs["reconstruction_loss"] == pytest.approx(expected, rel=1e-5)
