"""Models for the commands, too small to be good."""

import keras_vae as kv


def tiny(likelihood, posterior=kv.posteriors.DiagonalGaussian, **parts):
    """Build a model with random weights."""
    return kv.VAE(
        encoder=kv.networks.MLPEncoder((8,)),
        posterior=posterior(2),
        decoder=kv.networks.MLPDecoder((8,)),
        likelihood=likelihood,
        seed=0,
        **parts,
    )
