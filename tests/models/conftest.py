"""Small models and data that the tests of this folder share."""

import numpy as np

import keras_vae as kv


def small_vae(event_shape=(6,), latent_dim=2, *, posterior=None, likelihood=None, seed=0, dtype=None, **parts):
    """Build a small dense VAE; every part can be replaced."""
    return kv.VAE(
        encoder=parts.pop("encoder", None) or kv.networks.MLPEncoder((16,), activation="tanh", dtype=dtype),
        posterior=posterior or kv.posteriors.DiagonalGaussian(latent_dim, dtype=dtype),
        decoder=parts.pop("decoder", None) or kv.networks.MLPDecoder((16,), activation="tanh", dtype=dtype),
        likelihood=likelihood or kv.likelihoods.Bernoulli(event_shape, dtype=dtype),
        seed=seed,
        dtype=dtype,
        **parts,
    )


def binary(n=64, event_shape=(6,), seed=0):
    """Draw binary observations with a common cause, so that there is something to learn."""
    generator = np.random.default_rng(seed)
    cause = generator.random((n, *[1] * len(event_shape)))
    return (generator.random((n, *event_shape)) < 0.1 + 0.8 * cause).astype("float32")
