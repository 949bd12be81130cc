"""What training costs as things grow: time and peak memory against one size at a time, and the exponent.

Each point is a process of its own, since a peak of memory never comes down. Memory counts from what the imported
packages take. The exponent is the slope of the logarithms over the larger half of the points, where fixed costs
matter least: 1 is linear, 0 is flat.

    python benchmarks/scaling.py
    python benchmarks/scaling.py --table
"""

import argparse
import dataclasses
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
RESULTS = HERE / "results" / "scaling.json"


@dataclasses.dataclass(frozen=True)
class Point:
    """One training, by default a dense model on images of 28 x 28."""

    kind: str = "dense"
    batch: int = 128
    width: int = 500
    latent_dim: int = 40
    num_samples: int = 1
    side: int = 28
    images: int = 0  # 32 batches by default
    streamed: bool = False

    @property
    def num_images(self):
        """Images in an epoch."""
        return self.images or 32 * self.batch


AXES = {
    "batch": ("batch", "a step", [Point(batch=n) for n in (32, 64, 128, 256, 512, 1024)]),
    "width": ("width", "a step", [Point(width=n) for n in (64, 128, 256, 512, 1024, 2048)]),
    "latent_dim": ("latent_dim", "a step", [Point(latent_dim=n) for n in (2, 8, 32, 128, 512)]),
    "num_samples": ("num_samples", "a step", [Point(num_samples=n) for n in (1, 2, 4, 8, 16, 32)]),
    "image size": (
        "side",
        "a step",
        [Point(kind="conv", batch=16, side=n, images=64) for n in (32, 64, 128, 256)],
    ),
    "images in memory": ("images", "an epoch", [Point(images=n) for n in (8_000, 16_000, 32_000, 64_000)]),
    "images streamed": (
        "images",
        "an epoch",
        [Point(images=n, streamed=True) for n in (8_000, 16_000, 32_000, 64_000)],
    ),
}


def measure(point, epochs):
    """Train in this process and return seconds and MiB."""
    import resource
    import time

    import keras
    import numpy as np
    import tensorflow as tf

    import keras_vae as kv

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    class Clock(keras.callbacks.Callback):
        """Takes the time of each epoch."""

        def __init__(self):
            super().__init__()
            self.seconds, self.start = [], 0.0

        def on_epoch_begin(self, epoch, logs=None):
            """Start."""
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            """Stop."""
            self.seconds.append(time.perf_counter() - self.start)

    shape = (point.side, point.side, 1)
    tf.zeros([1]) + 1.0  # starts TensorFlow
    base = peak()
    keras.utils.set_random_seed(0)
    dense = point.kind == "dense"
    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder((point.width,) * 2) if dense else kv.networks.ConvEncoder((32, 64)),
        posterior=kv.posteriors.DiagonalGaussian(point.latent_dim),
        decoder=kv.networks.MLPDecoder((point.width,) * 2) if dense else kv.networks.ConvDecoder((64, 32)),
        likelihood=kv.likelihoods.Bernoulli(shape),
        objective=kv.objectives.ELBO(num_samples=point.num_samples),
        seed=0,
    )
    vae.compile("adam")
    if point.streamed:

        def batch(number):
            seed = tf.stack([number, 0])
            return tf.random.stateless_uniform([point.batch, *shape], seed)

        steps = point.num_images // point.batch
        data = {"x": tf.data.Dataset.range(steps).map(batch).prefetch(2)}
    else:
        steps = -(-point.num_images // point.batch)
        images = np.random.default_rng(0).random((point.num_images, *shape), np.float32)
        data = {"x": images, "batch_size": point.batch}
    clock = Clock()
    vae.fit(**data, epochs=1 + epochs, verbose=0, callbacks=[clock])
    seconds = statistics.median(clock.seconds[1:])
    weights = sum(math.prod(variable.shape) for variable in vae.trainable_variables)
    return {
        "seconds_per_epoch": round(seconds, 5),
        "seconds_per_step": round(seconds / steps, 6),
        "peak_mib": round(peak() - base, 1),
        "imported_mib": round(base, 1),
        "weights": weights,
        "execution": f"{'XLA, ' if vae.jit_compile else ''}{vae.steps_per_execution} steps",
    }


def exponent(sizes, costs):
    """Return the slope of log cost over log size, by least squares over the larger half of the sizes."""
    kept = list(zip(sizes, costs, strict=True))[-max(2, math.ceil(len(sizes) / 2)) :]
    if min(cost for _, cost in kept) <= 0:
        return 0.0
    x, y = ([math.log(pair[i]) for pair in kept] for i in (0, 1))
    return statistics.linear_regression(x, y).slope


def run(point, epochs):
    """Measure a point in a process of its own."""
    command = [sys.executable, str(HERE / "scaling.py"), "--point", json.dumps(dataclasses.asdict(point))]
    result = subprocess.run(
        [*command, "--epochs", str(epochs)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    if result.returncode:
        raise RuntimeError(result.stderr[-3000:])
    return json.loads(result.stdout.splitlines()[-1])


def summarize(axis, points, found):
    """Return an axis' row: sizes, costs, exponents."""
    field, what, _ = AXES[axis]
    sizes = [getattr(point, field) for point in points]
    key = "seconds_per_step" if what == "a step" else "seconds_per_epoch"
    seconds, memory = [one[key] for one in found], [one["peak_mib"] for one in found]
    return {
        "axis": axis,
        "sizes": sizes,
        "time_of": what,
        "seconds": seconds,
        "peak_mib": memory,
        "exponent_of_time": round(exponent(sizes, seconds), 2),
        "exponent_of_memory": round(exponent(sizes, memory), 2),
        "model": dataclasses.asdict(points[0]),
        "points": found,
    }


def show(row):
    """Print an axis' table."""
    import rich
    import rich.table

    title = f"{row['axis']}: time ~ n^{row['exponent_of_time']}, memory ~ n^{row['exponent_of_memory']}"
    table = rich.table.Table(title=title, title_justify="left")
    for column in (row["axis"], f"ms {row['time_of']}", "peak MiB", "run by"):
        table.add_column(column, justify="right")
    for size, seconds, memory, one in zip(row["sizes"], row["seconds"], row["peak_mib"], row["points"], strict=True):
        table.add_row(f"{size:,}", f"{1e3 * seconds:,.1f}", f"{memory:,.0f}", one["execution"])
    rich.print(table)


def markdown(rows):
    """Return the last full run of each axis as a Markdown table."""
    lines = ["| | sizes | ms | exponent | peak MiB | exponent |", "| --- | --- | --- | ---: | --- | ---: |"]
    for row in {row["axis"]: row for row in rows if not row["quick"]}.values():
        cells = [
            f"{row['axis']}, {row['time_of']}",
            " ".join(f"{size}" for size in row["sizes"]),
            " ".join(f"{1e3 * seconds:.1f}" for seconds in row["seconds"]),
            f"{row['exponent_of_time']:.2f}",
            " ".join(f"{memory:.0f}" for memory in row["peak_mib"]),
            f"{row['exponent_of_memory']:.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main(arguments=None):
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--axis", choices=sorted(AXES), action="append", help="all by default")
    parser.add_argument("--epochs", type=int, default=3, help="timed, after the one that compiles")
    parser.add_argument("--quick", action="store_true", help="two small points an axis, in one process: a rehearsal")
    parser.add_argument("--table", action="store_true", help="print the results as Markdown and run nothing")
    parser.add_argument("--output", type=pathlib.Path, default=RESULTS)
    parser.add_argument("--point", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.point:
        sys.stdout.write(json.dumps(measure(Point(**json.loads(options.point)), options.epochs)) + "\n")
        return
    if options.table:
        sys.stdout.write(markdown(json.loads(options.output.read_text())))
        return

    import protocol

    for axis in options.axis or AXES:
        points = AXES[axis][2][:2] if options.quick else AXES[axis][2]
        found = [measure(point, 1) if options.quick else run(point, options.epochs) for point in points]
        row = summarize(axis, points, found)
        row = {**row, "quick": options.quick, "seed": 0, "machine": protocol.machine()}
        show(protocol.append_row(options.output, row))


if __name__ == "__main__":
    main()
