"""Data with gaps: scikit-learn's breast cancer, half of its values missing, and Fashion-MNIST, half of its pixels.

`breast_cancer` is the protocol of MIWAE (Mattei & Frellsen 2019, and the authors' notebook): 569 rows of 30 columns,
standardised, half of all values missing completely at random; Student-t likelihood, two hidden layers of 128 with tanh
and orthogonal weights, 10 latents, K = 20, batch 64, 2002 epochs of Adam at 1e-3. Unlike there, the encoder also gets
the mask, and q(z|x) is Gaussian and not Student-t. The error is the root mean squared error of the missing values; the
notebook reports its square.
`peers` are scikit-learn's imputers on the same gaps; with random forests `IterativeImputer` is what missForest does.

`fashion_mnist` trains one model on complete binary images and one on images with half of their pixels hidden, a
different half of each. The two are alike in everything else, and are compared by log p of complete test images.

    python benchmarks/missing.py breast_cancer --seed 0 1 2 3 4
    python benchmarks/missing.py peers --seed 0 1 2 3 4
    python benchmarks/missing.py fashion_mnist --seed 0
"""

import argparse
import pathlib
import time

import keras
import numpy as np
import protocol

import keras_vae as kv

HERE = pathlib.Path(__file__).parent


def table_with_gaps(seed):
    """Return the standardised table, and the same with NaN in half of its places."""
    from sklearn.datasets import load_breast_cancer

    x = load_breast_cancer().data
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    generator = np.random.default_rng(seed)
    hidden = np.zeros(x.size, bool)
    hidden[generator.permutation(x.size)[: x.size // 2]] = True
    return x, np.where(hidden.reshape(x.shape), np.nan, x)


def rmse(filled, x, gappy):
    """Return the root mean squared error of what was missing."""
    missing = np.isnan(gappy)
    return float(np.sqrt(np.mean(np.square(filled - x)[missing])))


def train_on_table(gappy, seed, *, epochs=2002, learning_rate=1e-3, num_samples=20, verbose=0):
    """Train MIWAE on a table with gaps; return the model and the history."""
    keras.utils.set_random_seed(seed)
    size, trunk = gappy.shape[1], {"activation": "tanh", "kernel_initializer": "orthogonal"}
    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder((128, 128), **trunk),
        posterior=kv.posteriors.DiagonalGaussian(10),
        decoder=kv.networks.MLPDecoder((128, 128), **trunk),
        likelihood=kv.likelihoods.StudentT((size,), scale="per_dimension", degrees_of_freedom="per_dimension"),
        objective=kv.objectives.IWELBO(num_samples),
        missing=True,
        seed=seed,
    )
    vae.compile(keras.optimizers.Adam(learning_rate))
    return vae, vae.fit(gappy.astype("float32"), batch_size=64, epochs=epochs, verbose=verbose).history


def imputers(seed):
    """Return scikit-learn's imputers, by name."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

    return {
        "mean": SimpleImputer(),
        "knn": KNNImputer(),
        "iterative": IterativeImputer(random_state=seed),
        "forests": IterativeImputer(RandomForestRegressor(random_state=seed), random_state=seed),
    }


def peers(seed, options):
    """Return the errors of scikit-learn's imputers."""
    x, gappy = table_with_gaps(seed)
    found, chosen = imputers(seed), ("mean", "knn") if options.quick else None
    return {"rmse": {name: rmse(found[name].fit_transform(gappy), x, gappy) for name in chosen or found}}


def breast_cancer(seed, options):
    """Return the error of MIWAE on the table."""
    x, gappy = table_with_gaps(seed)
    settings = {"epochs": options.epochs or 2002, "learning_rate": options.learning_rate}
    vae, history = train_on_table(gappy, seed, **settings)
    filled = vae.impute(gappy, num_samples=100 if options.quick else 10_000, seed=seed)
    return {**settings, "rmse": {"keras_vae": rmse(filled, x, gappy)}, "training_iwelbo": history["iwelbo"][-1]}


def image_vae(seed, missing):
    """Return a dense model of binary images."""
    keras.utils.set_random_seed(seed)
    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder((500, 500)),
        posterior=kv.posteriors.DiagonalGaussian(32),
        decoder=kv.networks.MLPDecoder((500, 500)),
        likelihood=kv.likelihoods.Bernoulli((28, 28, 1)),
        missing=missing,
        seed=seed,
    )
    vae.compile(keras.optimizers.Adam(1e-3))
    return vae


def fashion_mnist(seed, options):
    """Train on all pixels and on half of them, and return log p of complete test images."""
    number, num_test, epochs = (500, 50, 1) if options.quick else (30_000, 1000, options.epochs or 30)
    split = protocol.split("fashion_mnist")
    generator = np.random.default_rng(seed)
    train = (generator.random(split.train[:number].shape) < split.train[:number] / 255.0).astype("float32")
    gappy = np.where(generator.random(train.shape) < 0.5, train, np.float32(np.nan))
    test = split.test[:num_test]
    found, values = {}, {}
    for name, x, missing in (("all pixels", train, False), ("half of the pixels", gappy, True)):
        vae = image_vae(seed, missing)
        history = vae.fit(x, batch_size=128, epochs=epochs, verbose=0).history
        values[name] = kv.evaluation.log_evidence(vae, test, 1000, seed=seed)
        found[name] = {"test_log_evidence": float(values[name].mean()), "training_elbo": history["elbo"][-1]}
        print(name, found[name], flush=True)
    lost = values["all pixels"] - values["half of the pixels"]
    return {
        "epochs": epochs,
        "num_train": number,
        "num_test": num_test,
        "models": found,
        "lost": float(lost.mean()),
        "lost_standard_error": float(lost.std(ddof=1) / np.sqrt(len(lost))),
    }


def main(arguments=None):
    """Run the script."""
    kinds = {"breast_cancer": breast_cancer, "peers": peers, "fashion_mnist": fashion_mnist}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", choices=list(kinds))
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=None, help="2002, or 30 for Fashion-MNIST")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--quick", action="store_true", help="few epochs; the row does not count")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "results" / "missing.json")
    options = parser.parse_args(arguments)
    if options.quick:
        options.epochs = options.epochs or 5
    for seed in options.seed:
        started = time.perf_counter()
        row = {"data": options.data, "seed": seed, "quick": options.quick, **kinds[options.data](seed, options)}
        protocol.append_row(options.output, {**row, "seconds": time.perf_counter() - started})
        print(row, flush=True)


if __name__ == "__main__":
    main()
