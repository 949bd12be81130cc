"""Attacks on a run and on every file that a user loads, counted.

Signals: the command `train` gets SIGINT, SIGTERM or SIGHUP at a random moment, again and again; each must end it with
its own exit code and one line, and the run that goes on must end as the one that was never cut.

Files: each that a user loads is damaged in many ways; each damage must give the content, or an error that names the
file and holds no control characters.

    python benchmarks/faults.py --signals 10 --files 10000
"""

import argparse
import collections
import contextlib
import csv
import hashlib
import importlib
import io
import json
import os
import pathlib
import random
import shutil
import signal
import struct
import sys
import tempfile
import time
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import protocol

import keras_vae as kv
from keras_vae.callbacks.training_state import append_state, read_state
from keras_vae.core import read_json
from keras_vae.data.set_files import read_idx, read_npz
from keras_vae.export.metadata import DIGESTS, METADATA
from keras_vae_cli import main as keras_vae_command
from keras_vae_cli import training_run
from keras_vae_cli.command import Mistake
from keras_vae_cli.config_file import read_words
from keras_vae_cli.descriptions import _Metrics
from keras_vae_cli.run_directory import Whole

HERE = pathlib.Path(__file__).parent
RUN = (
    *("train", "digits", "--limit", "128", "--batch-size", "64", "--latent-dim", "2", "--architecture", "mlp"),
    *("--units", "8", "--likelihood", "gaussian", "--beta-schedule", "linear", "--beta-epochs", "3", "--epochs", "6"),
)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HOSTILE = (None, [], {}, "", "\x1b[2J\u202e", -1, 10**400, 1e308, float("nan"), True, [[[]]], {"a": {}}, "9" * 5000)
DEEP = b"[" * 50_000


def command(output, seconds=None, number=None):
    """Run the command in a process of its own; after some seconds it may get a signal.

    Returns
    -------
    tuple
        Its exit code, negative where a signal ended it at once, and what it wrote on standard error.
    """
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        os.dup2(writer, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        training_run.TrainingRun._draw = lambda *_: None
        code = 1
        with contextlib.suppress(SystemExit):
            code = keras_vae_command([*RUN, "--output", str(output)])
        sys.stderr.flush()
        os._exit(code)
    os.close(writer)
    if seconds is not None:
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)
    with os.fdopen(reader, errors="replace") as file:
        said = file.read()
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status), said


def digest(directory):
    """Return what the run's history is, bit for bit; it follows from all weights of all epochs."""
    return hashlib.sha256((directory / "history.csv").read_bytes()).hexdigest()


def signals(work, *, tries, seed):
    """Cut runs by signals until there were as many as asked for.

    Parameters
    ----------
    work : pathlib.Path
        An empty directory.
    tries : int
        How many signals.
    seed : int
        Of the moments.

    Returns
    -------
    dict
        How many there were, and what came of them.
    """
    moments, counts, start = random.Random(seed), collections.Counter(), time.monotonic()
    code, said = command(work / "uncut")
    if code:
        raise RuntimeError(said)
    seconds, expected = time.monotonic() - start, digest(work / "uncut")
    while counts["signals"] < tries:
        output = work / "run"
        while True:
            number = moments.choice(SIGNALS)
            is_last = counts["signals"] >= tries
            code, said = command(output, None if is_last else moments.uniform(0.0, seconds), number)
            if code == 0:
                break
            counts["signals"] += 1
            if code not in (128 + number, -number):
                raise RuntimeError(f"{signal.Signals(number).name} gave the exit code {code}: {said[-2000:]}")
            counts["before the command had begun" if code < 0 else "heeded"] += 1
            lines = [line for line in said.splitlines() if line.startswith("keras-vae: ")]
            if code > 0 and (len(lines) != 1 or "Traceback" in said):
                raise RuntimeError(f"{signal.Signals(number).name} gave {said[-2000:]}")
            left = sorted(path.name for path in output.iterdir()) if output.exists() else []
            if code > 0 and left not in ([], ["unfinished"]):
                raise RuntimeError(f"{signal.Signals(number).name} left {left}")
        counts["runs"] += 1
        if digest(output) != expected:
            raise RuntimeError("a run that was cut ended as another one")
        shutil.rmtree(output)
    return {"attack": "signals", "tries": counts.pop("signals"), **counts, "equal_bit_for_bit": True}


class Target:
    """A kind of file: its name, how a good one is made, what reads it, and what is done after damage."""

    def __init__(self, name, good, read, *, is_json=False, mend=None):
        self.name, self.read, self.is_json, self.mend = name, read, is_json, mend
        self.good = good


def targets(work):
    """Make a good file of each kind, and say what reads it."""
    metrics = {"dataset": "digits", "num_train": 9, "num_test": 9, "epochs": 1, "elbo": -1.0}
    metrics |= {"reconstruction_loss": 1.0, "kl_loss": 1.0, "versions": {"keras": "3"}}
    rows = io.StringIO()
    csv.writer(rows).writerows([["epoch", "elbo", "loss"], [0, -20.5, 20.5], [1, -19.5, 19.5]])
    state = {"epoch": 2, "history": {"loss": [2.0, 1.0]}, "best": {"monitor": "loss", "value": 1.0, "epoch": 1}}
    state |= {"callbacks": [{"class": "EarlyStopping", "state": {"wait": 1, "best": np.float32(1)}}]}
    state |= {"seeds": [np.arange(2)], "metadata": {"settings": {"dataset": "digits"}}}
    images = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)
    arrays = {"x_train": images, "y_train": np.arange(3), "x_test": images, "y_test": np.arange(3)}
    npz = io.BytesIO()
    np.savez_compressed(npz, **arrays)
    idx = bytes([0, 0, 8, 3]) + struct.pack(">3I", *images.shape) + images.tobytes()
    export = {"format_version": 1, "versions": {"keras": "3"}, "model": "VAE", "likelihood": "Bernoulli"}
    export |= {"event_shape": [8], "x_shape": [8], "latent_dim": 2, "image_range": [0, 1], "files": ["a"]}
    export |= {"signatures": {"encode": {"inputs": {"x": {"dtype": "float32", "shape": [None, 8]}}, "outputs": {}}}}

    def state_file(content=None):
        path = work / "state.keras"
        path.unlink(missing_ok=True)
        append_state(path, state)
        if content is not None:
            with zipfile.ZipFile(path) as archive:
                held = {name: archive.read(name) for name in archive.namelist()}
            with zipfile.ZipFile(path, "w") as archive:
                for name, part in {**held, "training_state.json": content}.items():
                    archive.writestr(name, part)
        return path.read_bytes()

    def exported(path):
        directory = work / "export"
        (directory / "assets.extra").mkdir(parents=True, exist_ok=True)
        (directory / "a").write_bytes(b"a")
        shutil.copyfile(path, directory / METADATA)
        lines = [f"{hashlib.sha256((directory / name).read_bytes()).hexdigest()}  {name}\n" for name in ("a", METADATA)]
        (directory / DIGESTS).write_text("".join(lines))
        return kv.export.read_metadata(directory)

    def digests(path):
        exported(export_file)
        shutil.copyfile(path, work / "export" / DIGESTS)
        return kv.export.read_metadata(work / "export")

    export_file = work / "good_export.json"
    export_file.write_text(json.dumps(export))
    exported(export_file)
    with zipfile.ZipFile(io.BytesIO(state_file())) as archive:
        state_json = archive.read("training_state.json")
    config = 'dataset = "digits"\nlatent_dim = 2\nunits = [8, 8]\nbeta = 1.0\n'
    about = {"title": "MNIST", "class_names": tuple("0123456789")}
    return [
        Target("metrics.json", json.dumps(metrics).encode(), lambda path: read_json(path, _Metrics), is_json=True),
        Target("history.csv", rows.getvalue().encode(), importlib.import_module("keras_vae.plots.history")._of_file),
        Target("config.toml", config.encode(), read_words),
        Target(
            "whole.json", b'{"files": ["model.keras"], "settings": {}}', lambda p: read_json(p, Whole), is_json=True
        ),
        Target("training_state.json", state_json, read_state, is_json=True, mend=state_file),
        Target("last.keras", state_file(), read_state),
        Target("keras_vae.json", json.dumps(export).encode(), exported, is_json=True),
        Target("sha256sums", (work / "export" / DIGESTS).read_bytes(), digests),
        Target("mnist.npz", npz.getvalue(), lambda path: read_npz(path, **about)),
        Target("train-images-idx3-ubyte", idx, read_idx),
    ]


def damaged(target, chance):
    """Damage a file's content in one of many ways."""
    content = bytearray(target.good)
    kind = chance.randrange(6)
    if target.is_json and kind < 3:
        try:
            return _replaced(target.good, chance)
        except (ValueError, RecursionError):
            return bytes(content)
    at = chance.randrange(len(content))
    if kind == 0:
        return bytes(content[:at])
    if kind == 1:
        return (
            bytes(content[:at])
            + chance.choice([DEEP, b"\x00" * 9, b"\x1b[2J", b"\xff\xfe", b"\n", b"9" * 5000])
            + content[at:]
        )
    if kind == 2:
        return chance.choice([b"", DEEP, b"{}", b"[]", b"null", b"\x00" * 999, b"PK\x03\x04", b"\x1f\x8b\x08"])
    for _ in range(chance.randrange(1, 4)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    return bytes(content)


def _replaced(content, chance):
    """Put something hostile in the place of a value, or take it away."""
    tree = json.loads(content)
    place = tree
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return json.dumps(chance.choice(HOSTILE)).encode()
        key = chance.choice(keys)
        if isinstance(place[key], (dict, list)) and chance.random() < 0.7:
            place = place[key]
            continue
        if chance.random() < 0.3:
            del place[key]
        else:
            place[key] = chance.choice(HOSTILE)
        return json.dumps(tree).encode()


def files(work, *, cases, seed):
    """Damage files of every kind, in turn.

    Parameters
    ----------
    work : pathlib.Path
        An empty directory.
    cases : int
        How many.
    seed : int
        Of the damage.

    Returns
    -------
    dict
        How many were refused, and how many were read.
    """
    chance, every = random.Random(seed), targets(work)
    counts = {target.name: collections.Counter() for target in every}
    for number in range(cases):
        target = every[number % len(every)]
        content = damaged(target, chance)
        path = work / target.name
        path.write_bytes(content if target.mend is None else target.mend(content))
        try:
            target.read(path)
            counts[target.name]["read"] += 1
        except (ValueError, Mistake) as error:
            words = str(error)
            name = "export" if target.name in ("keras_vae.json", "sha256sums") else target.name
            if name not in words:
                raise RuntimeError(f"case {number}, {target.name}: no name in {words[:500]}") from error
            if len(words) > 2000 or not words.isprintable():
                raise RuntimeError(f"case {number}, {target.name}: not to be shown: {words[:500]!r}") from error
            counts[target.name]["refused"] += 1
        except Exception as error:
            raise RuntimeError(f"case {number}, {target.name}: {type(error).__name__}: {error}"[:2000]) from error
    total = sum(counts.values(), collections.Counter())
    return {"attack": "files", "tries": cases, **total, "by_file": counts}


def main(arguments=None):
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signals", type=int, default=0)
    parser.add_argument("--files", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "results" / "faults.json")
    options = parser.parse_args(arguments)
    for attack, tries in ((signals, options.signals), (files, options.files)):
        if tries:
            with tempfile.TemporaryDirectory() as work:
                amount = {"tries" if attack is signals else "cases": tries}
                report = attack(pathlib.Path(work), seed=options.seed, **amount)
            protocol.append_row(options.output, {**report, "seed": options.seed})
            print({name: value for name, value in report.items() if name != "by_file"})


if __name__ == "__main__":
    main(sys.argv[1:])
