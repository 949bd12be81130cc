"""How long it takes from nothing to an import, to the first training step and to a saved model; and memory.

Each repetition is a fresh Python process; times count from its start. `make demo` is run with one epoch, since its
peak of memory does not depend on their number.

    python benchmarks/startup.py
    python benchmarks/startup.py --table
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
RESULTS = HERE / "results" / "startup.json"
LABELS = {
    "tensorflow": "`import tensorflow` alone",
    "imported": "`import keras_vae`",
    "compiled": "a convolutional model built and compiled",
    "first step": "the first training step done",
    "saved": "saved as a `.keras` file",
    "exported": "exported as a SavedModel",
}
REFERENCE = """
import json, time
import tensorflow
print(json.dumps({"tensorflow": time.time()}))
"""
PROGRAM = """
import json, pathlib, sys, time
times = {}
def now(name):
    times[name] = time.time()
import keras_vae as kv
now("imported")
import numpy as np
vae = kv.VAE(
    encoder=kv.networks.ConvEncoder((32, 64)), posterior=kv.posteriors.DiagonalGaussian(16),
    decoder=kv.networks.ConvDecoder((64, 32)), likelihood=kv.likelihoods.Bernoulli((28, 28, 1)),
)
vae.compile("adam")
now("compiled")
vae.fit(np.zeros([128, 28, 28, 1], "float32"), batch_size=128, verbose=0)
now("first step")
vae.save(pathlib.Path(sys.argv[1]) / "vae.keras")
now("saved")
kv.export.saved_model(vae, pathlib.Path(sys.argv[1]) / "served")
now("exported")
print(json.dumps(times))
"""


def run(command, log):
    """Run a command, and return when it began, what its last line said, and its own peak memory in MiB."""
    began = time.time()
    with open(log, "w+") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise RuntimeError(text[-3000:])
    return began, text.splitlines()[-1], usage.ru_maxrss / 1024


def start(directory, programs):
    """Return the seconds from the start of a fresh process to each milestone, and the last one's peak memory."""
    seconds, memory = {}, 0.0
    for program in programs:
        began, line, memory = run([sys.executable, "-c", program, str(directory)], directory / "log")
        seconds |= {name: moment - began for name, moment in json.loads(line).items()}
    return seconds, memory


def demo(directory):
    """Return the seconds and the peak memory of what `make demo` runs, with one epoch."""
    program = "import sys, keras_vae_cli; sys.exit(keras_vae_cli.main())"
    command = [sys.executable, "-c", program, "train", "fashion_mnist", "--epochs", "1", "--fallback-to-digits"]
    began, _, memory = run([*command, "--output", str(directory / "demo")], directory / "log")
    return time.time() - began, memory


def show(row):
    """Print the table."""
    import rich
    import rich.table

    table = rich.table.Table(title=f"From the start of Python, median of {row['repetitions']}", title_justify="left")
    table.add_column("")
    table.add_column("seconds", justify="right")
    for name, seconds in row["seconds"].items():
        table.add_row(LABELS[name].replace("`", ""), f"{seconds:.2f}")
    rich.print(table)
    rich.print(f"  peak memory {row['peak_mib']:.0f} MiB")
    if row["demo_peak_mib"]:
        rich.print(f"  make demo, one epoch: {row['demo_seconds']:.0f} s, peak memory {row['demo_peak_mib']:.0f} MiB")


def markdown(rows):
    """Return the last full run as a Markdown table."""
    row = [row for row in rows if not row["quick"]][-1]
    lines = ["| from the start of Python to | s |", "| --- | ---: |"]
    lines += [f"| {LABELS[name]} | {seconds:.1f} |" for name, seconds in row["seconds"].items()]
    lines += ["", f"Peak memory {row['peak_mib']:.0f} MiB; of `make demo` {row['demo_peak_mib']:.0f} MiB."]
    return "\n".join(lines) + "\n"


def main(arguments=None):
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one repetition without the demo: a rehearsal")
    parser.add_argument("--table", action="store_true", help="print the results as Markdown and run nothing")
    parser.add_argument("--output", type=pathlib.Path, default=RESULTS)
    options = parser.parse_args(arguments)
    if options.table:
        sys.stdout.write(markdown(json.loads(options.output.read_text())))
        return

    import protocol

    repetitions = 1 if options.quick else options.repetitions
    with tempfile.TemporaryDirectory() as work:
        starts = []
        for number in range(repetitions):
            directory = pathlib.Path(work) / str(number)
            directory.mkdir()
            starts.append(start(directory, [PROGRAM] if options.quick else [REFERENCE, PROGRAM]))
        demo_seconds, demo_memory = (None, None) if options.quick else demo(pathlib.Path(work))
    row = {
        "repetitions": repetitions,
        "quick": options.quick,
        "seed": 0,
        "seconds": {name: round(statistics.median(one[name] for one, _ in starts), 2) for name in starts[0][0]},
        "peak_mib": round(statistics.median(memory for _, memory in starts), 1),
        "demo_seconds": demo_seconds and round(demo_seconds, 1),
        "demo_peak_mib": demo_memory and round(demo_memory, 1),
        "machine": protocol.machine(),
    }
    show(protocol.append_row(options.output, row))


if __name__ == "__main__":
    main()
