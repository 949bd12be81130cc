"""Throughput of `fit` on 1, 2 and 4 devices, by 1 and 2 processes, and in half precision.

The devices are logical ones: they share the machine's cores, as the processes do. So this measures what it costs to
keep replicas in step; several real devices gain at best their number times the ratio. All variants of a model take
turns, an epoch each, in one process, with single steps and without XLA, as several devices require. Ratios are medians
over repetitions of the ratios within one:

    python benchmarks/devices.py
    python benchmarks/devices.py --model conv --repetitions 7
    python benchmarks/devices.py --quick --output /tmp/devices.json
"""

import argparse
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import keras
import numpy as np
import protocol
import tensorflow as tf

import keras_vae as kv

HERE = pathlib.Path(__file__).parent
NUM_DEVICES = (1, 2, 4)
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
EVENT_SHAPE = (28, 28, 1)
FIRST = 5  # steps that are not timed: the first few find pipelines that are still being filled


class Clock(keras.callbacks.Callback):
    """Times an epoch's steps but the first ones, and the epoch as a whole."""

    def on_epoch_begin(self, epoch, logs=None):
        """Start."""
        self.begin = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        """Note the time of the first steps' end and, at last, of the last one's."""
        if batch < FIRST:
            self.start, self.first = time.perf_counter(), batch
        self.end, self.last = time.perf_counter(), batch

    def on_epoch_end(self, epoch, logs=None):
        """Sum up."""
        self.seconds_a_step = (self.end - self.start) / (self.last - self.first)
        self.seconds_an_epoch = time.perf_counter() - self.begin


def make(model):
    """Return a VAE, compiled: 784-500-500-40, or the convolutions of `keras-vae train`."""
    trunks = {
        "mlp": lambda: (kv.networks.MLPEncoder((500, 500)), kv.networks.MLPDecoder((500, 500))),
        "conv": lambda: (kv.networks.ConvEncoder((32, 64)), kv.networks.ConvDecoder((64, 32))),
    }
    encoder, decoder = trunks[model]()
    vae = kv.VAE(
        encoder=encoder,
        posterior=kv.posteriors.DiagonalGaussian(40),
        decoder=decoder,
        likelihood=kv.likelihoods.Bernoulli(EVENT_SHAPE),
        seed=0,
    )
    vae.compile("adam", jit_compile=False, steps_per_execution=1)
    return vae


def variants(model):
    """Return, by name, functions that train one epoch."""
    devices = [device.name for device in tf.config.list_logical_devices("CPU")]
    made = {}
    for number in NUM_DEVICES:
        # The default reduction is made for GPUs.
        strategy = tf.distribute.MirroredStrategy(devices[:number], tf.distribute.ReductionToOneDevice())
        with strategy.scope():
            made[f"{number} devices" if number > 1 else "1 device"] = make(model)
    for precision in PRECISIONS:
        keras.config.set_dtype_policy(precision)
        made[precision] = make(model)
    keras.config.set_dtype_policy("float32")
    return made


def measure(model, options):
    """Let all variants take turns, and return a row for each."""
    images = np.random.default_rng(0).integers(0, 2, (options.steps * options.batch_size, *EVENT_SHAPE), np.uint8)
    data = kv.data.pipeline(images.astype("float32"), batch_size=options.batch_size, shuffle=True, seed=0)
    made, found = variants(model), {}
    for repetition in range(options.repetitions + 1):
        for name, vae in made.items():
            clock = Clock()
            vae.fit(data, epochs=1, verbose=0, callbacks=[clock])
            if repetition:  # the first one compiles
                found.setdefault(name, []).append((clock.seconds_a_step, clock.seconds_an_epoch))
    rows = []
    for name, times in found.items():
        baseline = "float32" if name in PRECISIONS else "1 device"
        ratios = [base[0] / own[0] for base, own in zip(found[baseline], times, strict=True)]
        step, epoch = (statistics.median(part) for part in zip(*times, strict=True))
        rows.append(
            {
                "model": model,
                "variant": name,
                "images_per_second": round(options.batch_size / step),
                "against": baseline,
                "speed_ratio": round(statistics.median(ratios), 3),
                "speed_ratios": [round(ratio, 3) for ratio in ratios],
                "milliseconds_an_epoch_beside_steps": round(1e3 * (epoch - options.steps * step), 1),
            }
        )
    return rows


def processes(number, options, folder):
    """Train by several processes on this machine, and return the images a second that the chief reports."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(number)]
    addresses = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    output = folder / f"{number}"
    command = [sys.executable, "-m", "keras_vae_cli", "train", "digits", "--architecture", "mlp", "--epochs"]
    command += [str(options.epochs), "--batch-size", str(options.batch_size), "--output", str(output)]
    running = [
        subprocess.Popen(
            [*command, "--strategy", "multi-worker"],
            env={
                **os.environ,
                "TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}),
            },
            stdout=subprocess.DEVNULL,
        )
        for index in range(number)
    ]
    codes = [process.wait() for process in running]
    if any(codes):
        raise SystemExit(f"{number} processes did not train; their errors are above")
    return json.loads((output / "metrics.json").read_text())["images_per_second"]


def show(rows):
    """Print a table of the measurements."""
    print(f"{'model':<8}{'variant':<18}{'images / s':>12}{'speed':>8}  {'against':<12}{'ms an epoch beside steps':>24}")
    for row in rows:
        beside = row.get("milliseconds_an_epoch_beside_steps", "")
        print(
            f"{row['model']:<8}{row['variant']:<18}{row['images_per_second']:>12,}{row['speed_ratio']:>8.2f}  "
            f"{row['against']:<12}{beside:>24}"
        )


def main(arguments=None):
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=("mlp", "conv"), nargs="+", default=["mlp", "conv"])
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=100, help="in an epoch")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2], help="numbers of processes; none: left out")
    parser.add_argument("--epochs", type=int, default=10, help="of the digits, by several processes")
    parser.add_argument("--quick", action="store_true", help="few steps, to see that all of it runs")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "results" / "devices.json")
    options = parser.parse_args(arguments)
    if options.quick:
        options.model, options.steps, options.repetitions, options.processes = options.model[:1], 2 * FIRST, 1, []

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * max(NUM_DEVICES)
    )
    rows = []
    for model in options.model:
        rows += measure(model, options)
        keras.backend.clear_session()
    with tempfile.TemporaryDirectory() as folder:
        speeds = {number: processes(number, options, pathlib.Path(folder)) for number in options.processes}
    for number, speed in speeds.items():
        row = {"model": "mlp, 8 x 8", "variant": "1 process" if number == 1 else f"{number} processes"}
        first = speeds[options.processes[0]]
        rows.append(
            {
                **row,
                "images_per_second": round(speed),
                "against": f"{options.processes[0]} process",
                "speed_ratio": round(speed / first, 3),
            }
        )
    show(rows)
    record = {name: getattr(options, name) for name in ("batch_size", "steps", "repetitions", "quick")}
    protocol.append_row(options.output, {**record, "cores": os.cpu_count(), "rows": rows})


if __name__ == "__main__":
    main()
