"""What log p(x) by importance sampling costs: `log_evidence` against a hand-written TensorFlow function.

The model is the published table's MLP VAE, untrained (time does not depend on the weights). Both are run in turns, in
one process; the matrix products of the decoder alone, timed beside them, are the floor for float32 on the machine. A
model of the same weights whose layers multiply in bfloat16 says what that saves, and by how much log p(x) differs:

    python benchmarks/evidence_cost.py --images 64
"""

import argparse
import pathlib
import resource
import statistics
import time

import numpy as np
import protocol
import published_fashion_mnist as table
import tensorflow as tf

import keras_vae as kv

HERE = pathlib.Path(__file__).parent


def by_hand(vae, num_samples):
    """Return log p(x) of one image after the other, written as directly as TensorFlow allows.

    Parameters
    ----------
    vae : keras_vae.VAE
        Whose weights are used.
    num_samples : int
        Importance samples for each image.
    """
    gates = [(layer.value, layer.gate) for layer in vae.decoder.chain[1:]]
    kernel, bias = vae.likelihood.weights

    def decode(z):
        for dense, gate in gates:
            z = (z @ dense.kernel + dense.bias) * tf.sigmoid(z @ gate.kernel + gate.bias)
        return z @ kernel + bias

    def of_one_image(image):
        x, mean, log_var = image
        noise = tf.random.stateless_normal([num_samples, table.LATENT_DIM], [1, 2])
        z = mean + tf.exp(log_var / 2) * noise
        logits = decode(z)
        labels = tf.broadcast_to(tf.reshape(x, [-1]), tf.shape(logits))
        log_likelihood = -tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits), -1)
        log_ratio = tf.reduce_sum(noise**2 - z**2, -1) / 2 + tf.reduce_sum(log_var) / 2
        return tf.reduce_logsumexp(log_likelihood + log_ratio) - np.log(num_samples).astype("float32")

    @tf.function
    def of_images(x):
        parameters = vae.posterior(vae.encoder(x))
        images = (x, parameters["mean"], parameters["log_var"])
        return tf.map_fn(of_one_image, images, fn_output_signature=tf.float32, parallel_iterations=1)

    return of_images


def products(vae, num_samples):
    """Return a function that does the decoder's matrix products for one image, and nothing else."""
    kernels = [part.kernel for layer in vae.decoder.chain[1:] for part in (layer.value, layer.gate)]
    kernels.append(vae.likelihood.weights[0])
    inputs = {kernel.shape[0]: tf.random.normal([num_samples, kernel.shape[0]]) for kernel in kernels}

    @tf.function
    def run():
        return tf.add_n([tf.matmul(inputs[kernel.shape[0]], kernel)[0, 0] for kernel in kernels])

    return run


def main(arguments=None):
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--num-samples", type=int, default=5000)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "results" / "evidence_cost.json")
    options = parser.parse_args(arguments)

    x = protocol.split("fashion_mnist").test[: options.images]
    vae, half = (
        table.make("vae", "standard_normal", event_shape=x.shape[1:], steps_per_epoch=1, warm_up=1, seed=0, half=low)
        for low in (False, True)
    )
    vae.build()
    half.build()
    half.set_weights(vae.get_weights())
    hand, floor = by_hand(vae, options.num_samples), products(vae, options.num_samples)
    batch = tf.constant(x)
    runs = {
        "log_evidence": lambda: kv.evaluation.log_evidence(vae, x, options.num_samples, seed=0),
        "log_evidence_bfloat16": lambda: kv.evaluation.log_evidence(half, x, options.num_samples, seed=0),
        "by_hand": lambda: hand(batch).numpy(),
        "matrix_products": lambda: [floor().numpy() for _ in x],
    }
    found = {name: run() for name, run in runs.items()}  # compiles
    differences = found["log_evidence_bfloat16"] - found["log_evidence"]
    wall = {name: [] for name in runs}
    cpu = {name: [] for name in runs}
    for _ in range(options.repetitions):
        for name, run in runs.items():
            started = time.perf_counter(), time.process_time()
            run()
            wall[name].append((time.perf_counter() - started[0]) / len(x))
            cpu[name].append((time.process_time() - started[1]) / len(x))
    ratios = [ours / theirs for ours, theirs in zip(wall["log_evidence"], wall["by_hand"], strict=True)]
    row = protocol.append_row(
        options.output,
        {
            "images": len(x),
            "num_samples": options.num_samples,
            "repetitions": options.repetitions,
            "milliseconds_per_image": {name: round(1e3 * statistics.median(part), 2) for name, part in wall.items()},
            "cpu_milliseconds_per_image": {name: round(1e3 * statistics.median(part), 2) for name, part in cpu.items()},
            "bfloat16_difference": {
                "mean": float(differences.mean()),
                "standard_deviation": float(differences.std(ddof=1)),
            },
            "ratio_to_by_hand": round(statistics.median(ratios), 3),
            "seconds_for_10000_images": round(1e4 * statistics.median(wall["log_evidence"]), 1),
            "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        },
    )
    off = row["bfloat16_difference"]
    for name, milliseconds in row["milliseconds_per_image"].items():
        print(f"{name:<21} {milliseconds:7.1f} ms an image")
    print(
        f"log_evidence takes {row['ratio_to_by_hand']:.2f} of the hand-written time, "
        f"{row['seconds_for_10000_images']:.0f} s for 10,000 images; in bfloat16 log p(x) differs by "
        f"{off['mean']:.3f} nats in the mean, {off['standard_deviation']:.3f} from image to image"
    )


if __name__ == "__main__":
    main()
