"""scikit-learn's digits as 17-way categorical pixels: best validation -elbo, 100.54 nats in Tomczak's intro_dgm.

Split 1000 / 350 / 447; 64-256-256-2*16 and back with leaky ReLU; Adamax 1e-3; batch 64; patience 20.
As in PyTorch, kernels begin uniform within 1 / sqrt(fan in) and the slope of leaky ReLU is 0.01; biases begin at
zero, which PyTorch's do not. `--initializer glorot_uniform` shows what Keras's default kernels do: the inputs,
up to 16, make the first posteriors extreme. Decoupled weight decay is not in the published recipe: it works against the
overfitting to 1000 images.

    python benchmarks/published_digits.py --seed 0
    python benchmarks/published_digits.py --seed 0 --weight-decay 0.5
    python benchmarks/published_digits.py --seed 0 --initializer glorot_uniform
"""

import argparse
import pathlib

import keras
import numpy as np
import protocol

import keras_vae as kv

HERE = pathlib.Path(__file__).parent
PUBLISHED = 100.54


def grey_levels():
    """Return the digits as they are in scikit-learn, whole numbers from 0 to 16, in the published split."""
    train, test = kv.data.load("digits")
    images = np.concatenate([train.images, test.images]).reshape(-1, 64)
    levels = np.round(images * (16 / 255)).astype("int32")
    return levels[:1000], levels[1000:1350], levels[1350:]


def leaky_relu(x):
    """Leaky ReLU with PyTorch's slope."""
    return keras.activations.leaky_relu(x, negative_slope=0.01)


def kernels(initializer):
    """Return a fresh initializer, PyTorch's default or one that Keras knows by name."""
    if initializer == "pytorch":
        return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
    return keras.initializers.get(initializer)


def train(seed, *, weight_decay=None, initializer="pytorch", epochs=1000, patience=20):
    """Train the published model.

    Parameters
    ----------
    seed : int
        Of weights, order and noise.
    weight_decay : float, optional
        Of the optimizer; none as published.
    initializer : str
        "pytorch", or the name of an initializer of Keras.
    epochs : int
        At most.
    patience : int
        Epochs without a better validation elbo after which training stops.

    Returns
    -------
    vae : keras_vae.VAE
        With the weights of the best epoch.
    history : dict
        What `fit` logged.
    """
    keras.utils.set_random_seed(seed)
    training, validation, _ = grey_levels()
    trunk = {"units": (256, 256), "activation": leaky_relu, "kernel_initializer": kernels(initializer)}
    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder(**trunk),
        posterior=kv.posteriors.DiagonalGaussian(16, kernel_initializer=kernels(initializer)),
        decoder=kv.networks.MLPDecoder(**trunk),
        likelihood=kv.likelihoods.Categorical((64,), 17, kernel_initializer=kernels(initializer)),
        seed=seed,
    )
    vae.compile(keras.optimizers.Adamax(1e-3, weight_decay=weight_decay), steps_per_execution=16)
    stop = keras.callbacks.EarlyStopping("val_elbo", mode="max", patience=patience, restore_best_weights=True)
    history = vae.fit(
        training, validation_data=validation, batch_size=64, epochs=epochs, callbacks=[stop], verbose=0
    ).history
    return vae, history


def main(arguments=None):
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weight-decay", type=float, default=None)
    parser.add_argument("--initializer", default="pytorch", help="pytorch, or a name that Keras knows")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "results" / "published_digits.json")
    options = parser.parse_args(arguments)
    vae, history = train(options.seed, weight_decay=options.weight_decay, initializer=options.initializer)
    test = vae.evaluate(grey_levels()[2], return_dict=True, verbose=0)
    row = protocol.append_row(
        options.output,
        {
            "model": "vae",
            "seed": options.seed,
            "epochs": len(history["elbo"]),
            "best_validation_negative_elbo": -max(history["val_elbo"]),
            "test_negative_elbo": -test["elbo"],
            "published": PUBLISHED,
            "weight_decay": options.weight_decay,
            "initializer": options.initializer,
        },
    )
    best = row["best_validation_negative_elbo"]
    print(f"best validation -elbo {best:.2f} (published {PUBLISHED}), {row['epochs']} epochs")


if __name__ == "__main__":
    main()
