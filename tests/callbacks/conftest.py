"""A small image model and its data."""

import keras
import numpy as np

import keras_vae as kv

SHAPE = (8, 8, 1)


def image_vae(latent_dim=2, *, steps_per_execution=2, jit_compile=False, run_eagerly=False, **parts):
    """Build and compile a small model of images, the same in each call."""
    keras.utils.set_random_seed(7)
    encoder = keras.Sequential(
        [
            keras.layers.Flatten(),
            keras.layers.Dense(8, "relu", activity_regularizer="l2"),
            keras.layers.BatchNormalization(),
        ]
    )
    vae = kv.VAE(
        encoder=encoder,
        posterior=parts.pop("posterior", None) or kv.posteriors.DiagonalGaussian(latent_dim),
        decoder=kv.networks.MLPDecoder((8,)),
        likelihood=kv.likelihoods.Bernoulli(SHAPE),
        seed=3,
        **parts,
    )
    vae.compile(
        keras.optimizers.Adam(0.01),
        jit_compile=jit_compile,
        steps_per_execution=steps_per_execution,
        run_eagerly=run_eagerly,
    )
    return vae


def images(n=48, shape=SHAPE):
    """Draw binary images of one half, left or right, with some noise."""
    generator = np.random.default_rng(0)
    half = np.zeros((n, *shape), np.float32)
    half[: n // 2, :, : shape[1] // 2] = 1.0
    half[n // 2 :, :, shape[1] // 2 :] = 1.0
    return np.abs(half - (generator.random((n, *shape)) < 0.1)).astype(np.float32)
