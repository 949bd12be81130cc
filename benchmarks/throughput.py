"""Training throughput: `fit` as a user writes it, against hand-written steps and what else there is.

Each peer (the files of `peers/`) trains the same model on the same data in a process of its own. All processes wait;
in each repetition each peer in turn trains two epochs, the second one timed, so that what else the machine does hits
all alike. Ratios are medians over repetitions of ratios within one. PyTorch, JAX and pythae take part where they are
installed (the extra `bench`, best in an environment of its own):

    python benchmarks/throughput.py                       # everything
    python benchmarks/throughput.py --workload mlp        # one model
    python benchmarks/throughput.py --losses              # what guard, trackers, callbacks and Python cost a step
    python benchmarks/throughput.py --before CHECKOUT     # against the package of another checkout
    python benchmarks/throughput.py --table               # the committed results as Markdown
"""

import argparse
import contextlib
import importlib
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
RESULTS = HERE / "results" / "throughput.json"
RESULTS_BEFORE = HERE / "results" / "throughput_before.json"
PACKAGES = {"jax_step": ("jax",), "pytorch_loop": ("torch",), "pythae_trainer": ("pythae",)}
LABELS = {
    "ours": "keras_vae, compile and fit",
    "ours before": "the same, of the checkout to compare with",
    "tensorflow_step xla": "TensorFlow step by hand, XLA",
    "tensorflow_step graph": "TensorFlow step by hand, no XLA",
    "tensorflow_step xla_binary_outside": "TensorFlow step by hand, XLA, binarized outside of it",
    "jax_step": "JAX step by hand",
    "keras_script": "Keras script of keras.io's kind",
    "pytorch_loop": "PyTorch loop",
    "pytorch_loop fused_adam": "PyTorch loop, fused Adam",
    "pythae_trainer": "pythae's trainer",
}
HAND = ("tensorflow_step xla", "tensorflow_step graph", "tensorflow_step xla_binary_outside", "jax_step")
TORCH = ("pytorch_loop", "pytorch_loop fused_adam")
ENTRANTS = {
    "mlp": [name for name in LABELS if name not in ("ours before", "tensorflow_step xla_binary_outside")],
    "conv": [name for name in LABELS if name not in ("ours before", "tensorflow_step xla_binary_outside")],
    "binarized": [name for name in LABELS if name not in ("ours before", "pythae_trainer")],
    "faces": ["ours", "tensorflow_step graph", "keras_script", "pytorch_loop"],
}
TARGETS = {  # against the best of some peers
    "mlp": {"step by hand": (HAND, 0.95), "pythae": (("pythae_trainer",), 1.8)},
    "conv": {"keras.io script": (("keras_script",), 1.05), "PyTorch": (TORCH, 2.5)},
    "binarized": {"step by hand": (HAND, 0.95)},
    "faces": {},
}
# What is left out of `fit`, or put in, in `peers/ours_without.py`; the first one is `fit` as it is.
LOSSES = {
    "ours": "fit as it is",
    "ours_without guard": "without the guard against NaN",
    "ours_without trackers": "without trackers",
    "ours_without callbacks": "without callbacks, progress bar and fit's loop",
    "ours_without executions": "one step an execution",
    "ours_without choice": "XLA the other way round",
    "ours_without tuner": "with TensorFlow's tuner of input pipelines",
    "ours_without training": "the input pipeline alone",
}


class Peer:
    """A process that trains each time it is asked to.

    Parameters
    ----------
    name : str
        The module in `peers/`, and a variant behind a space.
    workload : str
        What is trained.
    quick : bool
        Whether the workload is a small one.
    errors : file
        What it writes on its standard error.
    package : pathlib.Path, optional
        A checkout whose package it imports.
    """

    def __init__(self, name, workload, quick, errors, package=None):
        self.name = name
        command = [sys.executable, str(HERE / "throughput.py"), "--peer", name, "--workload", workload]
        self._errors = errors
        self._process = subprocess.Popen(
            command + ["--quick"] * quick,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", **({"PYTHONPATH": str(package)} if package else {})},
        )

    def ready(self):
        """Wait until it waits."""
        self._read()

    def lap(self):
        """Train, and return what was measured in the timed epoch."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        result = self._read()
        self._read()  # that it waits again
        return result

    def close(self):
        """End the process."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def _read(self):
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise RuntimeError(f"{self.name} ended:\n{self._errors.read()[-3000:]}")
        return json.loads(line)


def missing(name):
    """Return the packages that a peer wants and that are not installed."""
    return [package for package in PACKAGES.get(name.split()[0], ()) if importlib.util.find_spec(package) is None]


def measure(workload, names, *, repetitions, quick, log, before=None):
    """Let peers train in turns.

    Returns
    -------
    laps : dict
        For each peer that ran the list of what its laps gave, without the first one, which compiles.
    skipped : dict
        For each other peer the reason.
    """
    skipped = {name: f"{', '.join(missing(name))} not installed" for name in names if missing(name)}
    with contextlib.ExitStack() as stack:
        log(f"{workload}: starting {len(names) - len(skipped)} processes")
        peers = []
        for name in (name for name in names if name not in skipped):
            errors = stack.enter_context(tempfile.TemporaryFile("w+"))
            peers.append(Peer(name, workload, quick, errors, before if name == "ours before" else None))
            stack.callback(peers[-1].close)
        for peer in peers:
            peer.ready()
        for peer in peers:
            peer.lap()  # compiles
        laps = {peer.name: [] for peer in peers}
        for repetition in range(repetitions):
            # Each time another one begins, so that none always follows the same one.
            for peer in [*peers[repetition % len(peers) :], *peers[: repetition % len(peers)]]:
                laps[peer.name].append(peer.lap())
            log(f"{workload}: repetition {repetition + 1} of {repetitions}")
    return laps, skipped


def summarize(workload, laps, skipped):
    """Return the medians of a workload's laps, and the ratios to the first peer, `ours`."""
    speeds = {name: [workload.num_images / lap["seconds"] for lap in each] for name, each in laps.items()}
    return {
        "title": workload.title,
        "images_an_epoch": workload.num_images,
        "batch_size": workload.batch_size,
        "weights": {name: each[-1]["weights"] for name, each in laps.items()},
        "images_per_second": {name: round(statistics.median(each), 1) for name, each in speeds.items()},
        "lowest_and_highest": {name: [round(min(each), 1), round(max(each), 1)] for name, each in speeds.items()},
        "milliseconds_per_step": {
            name: round(1e3 * workload.batch_size / statistics.median(each), 3) for name, each in speeds.items()
        },
        "ours_over": {name: round(ratio(speeds["ours"], each), 3) for name, each in speeds.items() if name != "ours"},
        "cpu_seconds_over_wall": {
            name: round(statistics.median(lap["cpu_seconds"] / lap["seconds"] for lap in each), 2)
            for name, each in laps.items()
        },
        "last_loss": {name: round(each[-1]["loss"], 2) for name, each in laps.items()},
        "peak_memory_mib": {name: each[-1]["peak_memory_mib"] for name, each in laps.items()},
        "skipped": skipped,
    }


def ratio(ours, theirs):
    """Return the median over repetitions of the ratio within one."""
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))


def against_targets(name, summary):
    """Return, for each target of a workload, the ratio to the fastest of its peers, and whether it was reached."""
    reached = {}
    for label, (peers, target) in TARGETS[name].items():
        present = [peer for peer in peers if peer in summary["images_per_second"]]
        if present:
            best = max(present, key=summary["images_per_second"].get)
            value = summary["ours_over"][best]
            reached[label] = {"best": best, "ratio": value, "target": target, "reached": value >= target}
    return reached


def check_alike(summary):
    """Refuse to compare models that are not the same: their weights must be as many, their losses close."""
    if len(set(summary["weights"].values())) > 1:
        raise AssertionError(f"The models differ in size: {summary['weights']}")
    losses = summary["last_loss"].values()
    if max(losses) > 1.1 * min(losses):
        raise AssertionError(f"The models differ in what they learned: {summary['last_loss']}")


def show(name, summary, targets):
    """Print a workload's table."""
    import rich
    import rich.table

    table = rich.table.Table(title=summary["title"], title_justify="left")
    for column in ("", "images/s", "ms a step", "ours over it", "MiB"):
        table.add_column(column, justify="left" if column == "" else "right", no_wrap=column != "")
    for peer in sorted(summary["images_per_second"], key=summary["images_per_second"].get, reverse=True):
        over = "" if peer == "ours" else f"{summary['ours_over'][peer]:.2f}"
        table.add_row(
            (LABELS | LOSSES)[peer] if name == "losses" else LABELS[peer],
            f"{summary['images_per_second'][peer]:,.0f}",
            f"{summary['milliseconds_per_step'][peer]:.2f}",
            over,
            str(summary["peak_memory_mib"][peer]),
            style="bold" if peer == "ours" else None,
        )
    rich.print(table)
    for label, found in targets.items():
        word = "reached" if found["reached"] else "NOT reached"
        rich.print(f"  {found['ratio']:.2f} of the {label} (target {found['target']}): {word}")
    for peer, reason in summary["skipped"].items():
        rich.print(f"  {peer} left out: {reason}")


def peer_versions():
    """Return the versions of the peers that are installed."""
    found = {}
    for package in ("jax", "torch", "pythae"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def commit_of(checkout):
    """Return the commit that a checkout is at."""
    return subprocess.run(
        ["git", "-C", checkout, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()


def markdown(rows):
    """Return the tables of the last full run of each workload as Markdown."""
    lines = []
    for row in {row["workload"]: row for row in rows if not row["quick"]}.values():
        labels = LOSSES if row["workload"].startswith("losses") else LABELS
        lines += [
            f"**{row['title']}**, batch {row['batch_size']}, {row['repetitions']} repetitions, {row['date'][:10]}"
        ]
        lines += ["", "| | images/s | ms a step | keras_vae over it |", "| --- | ---: | ---: | ---: |"]
        for peer, speed in sorted(row["images_per_second"].items(), key=lambda item: -item[1]):
            over = "" if peer == "ours" else f"{row['ours_over'][peer]:.2f}"
            lines.append(f"| {labels[peer]} | {speed:,.0f} | {row['milliseconds_per_step'][peer]:.2f} | {over} |")
        lines.append("")
    return "\n".join(lines)


def serve(name, workload):
    """Be a peer: wait for the parent's words and train."""
    sys.path.insert(0, str(HERE))
    from peers.laps import Laps

    laps = Laps()
    module, _, variant = name.partition(" ")
    importlib.import_module(f"peers.{module}").train(workload, variant, laps)


def main(arguments=None):
    """Run the script."""
    sys.path.insert(0, str(HERE))
    from peers.workloads import WORKLOADS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", choices=sorted(WORKLOADS), action="append", help="all by default")
    parser.add_argument("--only", action="append", metavar="PEER", help="beside `ours`; all by default")
    parser.add_argument("--losses", action="store_true", help="what is lost to guard, trackers, callbacks and Python")
    parser.add_argument("--before", type=pathlib.Path, metavar="CHECKOUT", help="compare with its package alone")
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="small models, one repetition: a rehearsal")
    parser.add_argument("--table", action="store_true", help="print the results as Markdown and run nothing")
    parser.add_argument("--output", type=pathlib.Path, help="where results are added")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.output = options.output or (RESULTS_BEFORE if options.before else RESULTS)

    if options.table:
        sys.stdout.write(markdown(json.loads(options.output.read_text())))
        return
    if options.peer:
        workload = WORKLOADS[options.workload[0]]
        serve(options.peer, workload.quick() if options.quick else workload)
        return

    import protocol
    import rich

    for name in options.workload or WORKLOADS:
        workload = WORKLOADS[name].quick() if options.quick else WORKLOADS[name]
        names = list(LOSSES) if options.losses else ENTRANTS[name]
        names = [peer for peer in names if peer == "ours" or not options.only or peer in options.only]
        names = ["ours", "ours before"] if options.before else names
        repetitions = 1 if options.quick else options.repetitions
        before = protocol.machine()
        laps, skipped = measure(
            name, names, repetitions=repetitions, quick=options.quick, log=rich.print, before=options.before
        )
        summary = summarize(workload, laps, skipped)
        targets = {}
        if not options.losses:
            check_alike(summary)
        if not (options.losses or options.before):
            targets = against_targets(name, summary)
        row = {"workload": f"losses of {name}" if options.losses else name, "quick": options.quick, "seed": 0}
        if options.before:
            row["before"] = commit_of(options.before)
        row |= {"repetitions": repetitions, **summary, "targets": targets, "machine": before, "peers": peer_versions()}
        protocol.append_row(options.output, row)
        show("losses" if options.losses else name, summary, targets)


if __name__ == "__main__":
    main()
