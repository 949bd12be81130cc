"""What an answer costs: latency and throughput in Python, as a SavedModel, in C, in LiteRT and in ONNX Runtime.

Each runtime gets a NumPy array (the C program bytes in memory) and gives one back. They take turns, so that a busy
machine is so for all of them, and their answers are compared with Keras's before any is timed:

    python benchmarks/serving.py --model mlp
    python benchmarks/serving.py --model conv

LiteRT and ONNX have no `generate`: there it is z ~ N(0, I) of NumPy, and the decoder. So it is for `predict`, which is
Keras's own, of encoder and decoder as models of their own. The weights are not trained; time does not depend on them.
"""

import argparse
import contextlib
import importlib.metadata
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import keras
import numpy as np
import onnxruntime
import protocol
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

import keras_vae as kv
from keras_vae.export.encoder_decoder import encoder_and_decoder

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from tests.export import run_c  # noqa: E402  # the compiler's command

EVENT_SHAPE, LATENT_DIM = (28, 28, 1), 16
MODELS = {
    "mlp": lambda: (kv.networks.MLPEncoder((300, 300)), kv.networks.MLPDecoder((300, 300))),
    "conv": lambda: (kv.networks.ConvEncoder((32, 64)), kv.networks.ConvDecoder((64, 32))),
}


def make(name):
    """Make a VAE of Fashion-MNIST's size, not trained."""
    encoder, decoder = MODELS[name]()
    vae = kv.VAE(
        encoder=encoder,
        posterior=kv.posteriors.DiagonalGaussian(LATENT_DIM),
        decoder=decoder,
        likelihood=kv.likelihoods.Bernoulli(EVENT_SHAPE),
        seed=0,
    )
    vae.build()
    return vae


def requests(batch, generator):
    """Make the inputs of each signature."""
    return {
        "encode": generator.integers(0, 2, (batch, *EVENT_SHAPE)).astype("float32"),
        "decode": generator.normal(size=(batch, LATENT_DIM)).astype("float32"),
        "generate": generator.integers(0, 2**31, (batch, 2)).astype("int32"),
    }


def with_noise(decode, generator):
    """Make `generate` of a decoder and NumPy's noise."""
    return lambda seeds: decode(generator.standard_normal((len(seeds), LATENT_DIM), np.float32))


def verbs(vae):
    """Return the verbs of the model in Python."""
    return {
        "encode": lambda x: vae.encode(x, batch_size=len(x)),
        "decode": lambda z: vae.decode(z, batch_size=len(z)),
        "generate": lambda seeds: vae.generate(len(seeds), seed=int(seeds[0, 0]), batch_size=len(seeds)),
    }


def predict(vae, generator):
    """Return Keras's `predict` of encoder and decoder."""
    halves = encoder_and_decoder(vae)
    found = {
        name: lambda value, half=half: half.predict(value, batch_size=len(value), verbose=0)["mean"]
        for name, half in halves.items()
    }
    return {**found, "generate": with_noise(found["decode"], generator)}


def saved_model(path):
    """Return the signatures of the SavedModel, run by TensorFlow in Python."""
    signatures = tf.saved_model.load(str(path)).signatures
    names = {"encode": "x", "decode": "z", "generate": "seed"}
    return {
        name: lambda value, name=name, key=key: signatures[name](**{key: tf.constant(value)})["mean"].numpy()
        for name, key in names.items()
    }


def litert(path, generator):
    """Return LiteRT's encoder and decoder, which keep their shape from call to call."""

    def runner(file, key):
        signature = Interpreter(str(file), num_threads=os.cpu_count()).get_signature_runner()
        return lambda value: signature(**{key: value})["mean"]

    decode = runner(path / "decoder.tflite", "z")
    return {
        "encode": runner(path / "encoder.tflite", "x"),
        "decode": decode,
        "generate": with_noise(decode, generator),
    }


def onnx(path, generator):
    """Return ONNX Runtime's encoder and decoder."""

    def runner(file, key):
        session = onnxruntime.InferenceSession(file)
        return lambda value: session.run(["mean"], {key: value})[0]

    decode = runner(path / "decoder.onnx", "z")
    return {"encode": runner(path / "encoder.onnx", "x"), "decode": decode, "generate": with_noise(decode, generator)}


class CProgram:
    """The C program, kept running; it times itself."""

    def __init__(self, export, folder):
        self.folder = folder
        environment = {"TF_CPP_MIN_LOG_LEVEL": "2"}
        command = [run_c.build(folder, HERE / "serving_bench.c"), export]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, env=environment, **pipes)

    def times(self, signature, value, calls):
        """Return the seconds of each call."""
        path = self.folder / "input"
        path.write_bytes(value.tobytes())
        name = {"encode": "x", "decode": "z", "generate": "seed"}[signature]
        shape = " ".join(map(str, value.shape))
        self.process.stdin.write(f"input {name} {path} {shape}\ntime {signature} {calls}\n")
        self.process.stdin.flush()
        return [int(each) / 1e9 for each in self.process.stdout.readline().split()]

    def close(self):
        self.process.communicate(timeout=60)


def times(function, value, calls):
    """Return the seconds of each call."""
    found = []
    for _ in range(calls):
        start = time.perf_counter()
        function(value)
        found.append(time.perf_counter() - start)
    return found


def check_equal(runtimes, given):
    """Stop where a runtime answers something else than Keras."""
    for signature, value in given.items():
        expected = runtimes["verbs"][signature](value)
        for name, functions in runtimes.items():
            found = functions[signature](value)
            assert found.shape == expected.shape, (name, signature)
            if signature != "generate":  # there each has noise of its own
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4, err_msg=f"{name} {signature}")


def measure(runtimes, program, given, *, calls, rounds):
    """Time every runtime and signature on requests of one size, in turns."""
    found = {}
    for signature, value in given.items():
        for _ in range(rounds):
            for name, functions in runtimes.items():
                found.setdefault((signature, name), []).extend(times(functions[signature], value, calls // rounds))
            found.setdefault((signature, "c"), []).extend(program.times(signature, value, calls // rounds))
    return found


def row_of(signature, runtime, batch, seconds):
    """Sum a series of calls up."""
    quantiles = statistics.quantiles(seconds, n=100, method="inclusive")
    return {
        "signature": signature,
        "batch": batch,
        "runtime": runtime,
        "p50_ms": round(1e3 * quantiles[49], 3),
        "p99_ms": round(1e3 * quantiles[98], 3),
        "rows_per_second": round(batch * len(seconds) / sum(seconds)),
    }


def show(rows):
    """Print a table of the measurements."""
    print(f"{'signature':<10}{'batch':>6}  {'runtime':<12}{'p50 ms':>10}{'p99 ms':>10}{'rows / s':>12}")
    for previous, row in zip([None, *rows], rows, strict=False):
        if previous and (previous["signature"], previous["batch"]) != (row["signature"], row["batch"]):
            print()
        print(
            f"{row['signature']:<10}{row['batch']:>6}  {row['runtime']:<12}{row['p50_ms']:>10.3f}{row['p99_ms']:>10.3f}"
            f"{row['rows_per_second']:>12,}"
        )


def main(arguments=None):
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=list(MODELS), default="mlp")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32, 256])
    parser.add_argument("--calls", type=int, default=300, help="timed calls of each runtime, signature and batch")
    parser.add_argument("--rounds", type=int, default=5, help="in how many turns")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="few calls, to see that all of it runs")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "results" / "serving.json")
    options = parser.parse_args(arguments)
    if options.quick:
        options.batches, options.calls, options.rounds = options.batches[:1], 4, 2

    keras.utils.set_random_seed(options.seed)
    generator = np.random.default_rng(options.seed)
    vae, rows = make(options.model), []
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        folder = pathlib.Path(folder)
        export = kv.export.saved_model(vae, folder / "saved_model")
        formats = kv.export.litert(vae, folder / "litert"), kv.export.onnx(vae, folder / "onnx")
        program = CProgram(export, folder)
        stack.callback(program.close)
        for batch in options.batches:
            given = requests(batch, generator)
            runtimes = {
                "verbs": verbs(vae),
                "predict": predict(vae, generator),
                "saved_model": saved_model(export),
                "litert": litert(formats[0], generator),
                "onnx": onnx(formats[1], generator),
            }
            check_equal(runtimes, given)
            measure(runtimes, program, given, calls=2 * options.rounds, rounds=options.rounds)  # warms up
            found = measure(runtimes, program, given, calls=options.calls, rounds=options.rounds)
            rows += [row_of(*key, batch, seconds) for key, seconds in found.items()]
    rows.sort(key=lambda row: (list(requests(1, generator)).index(row["signature"]), row["batch"]))
    show(rows)
    packages = ("onnxruntime", "ai-edge-litert", "tf2onnx")
    row = {
        "model": options.model,
        "event_shape": EVENT_SHAPE,
        "latent_dim": LATENT_DIM,
        "parameters": vae.count_params(),
        "cores": os.cpu_count(),
        "calls": options.calls // options.rounds * options.rounds,
        "seed": options.seed,
        "quick": options.quick,
        "runtimes": {name: importlib.metadata.version(name) for name in packages},
        "rows": rows,
    }
    protocol.append_row(options.output, row)


if __name__ == "__main__":
    main()
