"""The IWAE table on dynamically binarized MNIST, one stochastic layer: VAE and IWAE with 1, 5 and 50 samples.

-log p(x) in nats by 5000 samples (Burda, Grosse & Salakhutdinov 2016, table 1; quoted beside a TensorFlow 2
reproduction of it): 784-200-200-50 tanh, Adam with epsilon 1e-4, batch 20, learning rate 1e-3 * 10^(-i/7) for 3^i
epochs, i = 0 ... 7, all 60,000 training images. The paper's models of two layers infer from the bottom up, ours from
the top down: they are not in this script.

    python benchmarks/published_mnist_iwae.py --objective iwae --k 50 --seed 0

No row of it is committed: without MNIST, which is missing where the project is tested, the script ends with a message.
To run the whole path anywhere, use other images:

    python benchmarks/published_mnist_iwae.py --data fashion_mnist --quick
"""

import argparse
import pathlib
import sys

import keras
import numpy as np
import protocol

import keras_vae as kv

HERE = pathlib.Path(__file__).parent
PUBLISHED = {
    ("vae", 1): 86.76,
    ("vae", 5): 86.47,
    ("vae", 50): 86.35,
    ("iwae", 1): 86.76,
    ("iwae", 5): 85.54,
    ("iwae", 50): 84.78,
}
UNITS, LATENT_DIM, BATCH_SIZE = (200, 200), 50, 20
STAGES = [3**stage for stage in range(8)]
RECIPE = "as published: Adam with epsilon 1e-4, batch 20, 1e-3 * 10^(-i/7) for 3^i epochs; weights of the last epoch"


def make(objective, k, *, mean_image, seed):
    """Make the model with one stochastic layer.

    Parameters
    ----------
    objective : {"vae", "iwae"}
        The mean of k elbos, or the importance-weighted bound of k samples.
    k : int
        Samples for each image.
    mean_image : numpy.ndarray
        Of the training images, within 0 and 1: its log odds are where the last layer's biases begin.
    seed : int
        Of the noise.
    """
    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder(UNITS, activation="tanh"),
        posterior=kv.posteriors.DiagonalGaussian(LATENT_DIM),
        decoder=kv.networks.MLPDecoder(UNITS, activation="tanh"),
        likelihood=kv.likelihoods.Bernoulli(mean_image.shape),
        objective=kv.objectives.IWELBO(k) if objective == "iwae" else kv.objectives.ELBO(num_samples=k),
        seed=seed,
    )
    vae.build()
    mean_image = np.clip(mean_image, 1e-3, 1 - 1e-3)
    vae.likelihood.weights[1].assign(np.log(mean_image / (1 - mean_image)).reshape(vae.likelihood.weights[1].shape))
    return vae


def learning_rate(steps_per_epoch):
    """Return the published schedule."""
    ends = [int(end) * steps_per_epoch for end in np.cumsum(STAGES)[:-1]]
    return keras.optimizers.schedules.PiecewiseConstantDecay(
        ends, [1e-3 * 10 ** (-stage / 7) for stage in range(len(STAGES))]
    )


def main(arguments=None):
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objective", choices=["vae", "iwae"], default="iwae")
    parser.add_argument("--k", type=int, choices=[1, 5, 50], default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", choices=["mnist", "fashion_mnist"], default="mnist")
    parser.add_argument("--num-samples", type=int, default=5000)
    parser.add_argument("--quick", action="store_true", help="the whole path in a minute; its row says so")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "results" / "published_mnist_iwae.json")
    parser.add_argument("--work", type=pathlib.Path, default=HERE.parent / "runs" / "published_mnist_iwae")
    options = parser.parse_args(arguments)
    try:
        data = protocol.split(options.data, keep_validation=True)
    except kv.data.DataNotFoundError as error:
        print(f"Not run, there is no number to show: {error}", file=sys.stderr)
        return 1

    epochs, num_samples = sum(STAGES), options.num_samples
    if options.quick:
        data = protocol.Split(data.train[:2000], data.validation[:200], data.test[:100])
        epochs, num_samples = 2, 100
    vae, state = protocol.train(
        lambda: make(options.objective, options.k, mean_image=data.train.mean(axis=0) / 255, seed=options.seed),
        data,
        directory=options.work / f"{options.data}-{options.objective}-{options.k}-{options.seed}-{epochs}",
        seed=options.seed,
        batch_size=BATCH_SIZE,
        epochs=epochs,
        warm_up=0,
        keep="last",
        compile_options={
            "optimizer": keras.optimizers.Adam(learning_rate(-(-len(data.train) // BATCH_SIZE)), epsilon=1e-4),
            "jit_compile": True,
            "steps_per_execution": 50,
        },
    )
    results = protocol.evaluate(vae, data.test, num_samples=num_samples, seed=options.seed)
    row = protocol.append_row(
        options.output,
        {
            "model": options.objective,
            "k": options.k,
            "data": options.data,
            "seed": options.seed,
            "epochs": state["epoch"],
            **results,
            "published_negative_log_evidence": PUBLISHED[options.objective, options.k],
            "seconds": round(state["seconds"], 1),
            "recipe": RECIPE,
            "quick": options.quick,
        },
    )
    print(
        f"{options.objective} k={options.k} on {options.data}: -log p(x) {-row['test_log_evidence']:.2f} nats "
        f"(published on MNIST {row['published_negative_log_evidence']:.2f}), {row['epochs']} epochs"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
