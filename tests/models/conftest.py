"""Small models and data that the tests of this folder share."""

import functools

import keras
import numpy as np

import keras_vae as kv
from tests.again import Again


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


def compiled(**parts):
    """Build and compile a small dense VAE with some parts of its own; without any, the same one begins anew."""
    keras.utils.set_random_seed(0)
    if not parts:
        return _again()()
    vae = small_vae(**parts)
    vae.compile(keras.optimizers.SGD(0.05))
    return vae


@functools.cache
def _again():
    return Again(compiled(seed=0))


def plain(event=(6,)):
    """Return a model of plain Keras that takes the same arrays."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(event), keras.layers.Flatten(), keras.layers.Dense(6)])
    model.compile(keras.optimizers.SGD(0.05), "mse")
    return model


def hierarchy(
    dims=(3, 2), event_shape=(6,), objective=None, likelihood=None, encoders=None, posteriors=None, prior=None, **parts
):
    """Build a small hierarchy of as many levels as there are dimensions, bottom-up."""
    settings = {"gated": True, "kernel_initializer": "he_normal"}
    lower = len(dims) - 1
    return kv.HierarchicalVAE(
        encoders=encoders
        or [kv.networks.JoinedMLP((8,), (8,), **settings) for _ in range(lower)]
        + [kv.networks.MLPEncoder((8, 8), **settings)],
        posteriors=posteriors or [kv.posteriors.DiagonalGaussian(size) for size in dims],
        priors=[kv.priors.ConditionalGaussian(kv.networks.MLPDecoder((8,), **settings)) for _ in range(lower)]
        + [prior or kv.priors.StandardNormal()],
        decoder=kv.networks.JoinedMLP((8,), (8,), **settings),
        likelihood=likelihood or kv.likelihoods.Bernoulli(event_shape),
        objective=objective,
        seed=0,
        **parts,
    )


def binary(n=64, event_shape=(6,), seed=0):
    """Draw binary observations with a common cause, so that there is something to learn."""
    generator = np.random.default_rng(seed)
    cause = generator.random((n, *[1] * len(event_shape)))
    return (generator.random((n, *event_shape)) < 0.1 + 0.8 * cause).astype("float32")
