"""Write the small model file that later versions must be able to load: run once for each new format version."""

import pathlib

import keras
import numpy as np

import keras_vae as kv


def main():
    """Train a small model of many parts and save it beside what it answers."""
    keras.utils.set_random_seed(0)
    folder = pathlib.Path(__file__).parent / "files"
    vae = kv.VAE(
        encoder=kv.networks.ConvEncoder((4, 8), batch_normalization=True),
        posterior=kv.posteriors.FullCovarianceGaussian(2),
        decoder=kv.networks.ConvDecoder((8, 4)),
        likelihood=kv.likelihoods.Gaussian((8, 8, 1), scale="optimal"),
        objective=kv.objectives.ELBO(beta=kv.schedules.CyclicalSchedule(0.0, 1.0, cycle_steps=10)),
        seed=0,
    )
    vae.compile("adam")
    x = kv.data.load("digits")[0].images[:32] / 255.0
    vae.fit(x, epochs=2, batch_size=16, verbose=0)
    stem = folder / f"format_{kv.core.FORMAT_VERSION}"
    vae.save(stem.with_suffix(".keras"))
    evaluation = vae.evaluate(x, verbose=0)
    reconstruction, iterations = vae.reconstruct(x), vae.optimizer.iterations.numpy()
    np.savez_compressed(
        stem, x=x.astype("float32"), reconstruction=reconstruction, evaluation=evaluation, iterations=iterations
    )


if __name__ == "__main__":
    main()
