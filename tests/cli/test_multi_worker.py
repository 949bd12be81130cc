"""`keras-vae train` on several devices and by several processes: the same model as by one, written by the chief."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from keras_vae_cli.run_directory import RUN_FILES
from tests.cli.eagerly import eagerly
from tests.cli.test_cluster import free_ports
from tests.cli.worker import run

# Neither a batch of 64 nor the last one of 13 images is a multiple of 3.
SETTINGS = (
    *("digits", "--limit", "205", "--batch-size", "64", "--latent-dim", "2", "--architecture", "mlp", "--units", "8"),
    *("--likelihood", "gaussian", "--learning-rate", "0.01"),
)
# Within which the others end when one is gone; docs/scaling.md says so.
SECONDS = 60


def command(output, epochs):
    return ["train", *SETTINGS, "--epochs", str(epochs), "--output", str(output)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Return a function that returns a directory with the run of one process, and its weights, for some epochs."""
    runs = {}

    def train(epochs):
        if epochs not in runs:
            directory = tmp_path_factory.mktemp("alone")
            with eagerly():
                assert run(command(directory / "run", epochs), directory / "weights.npz") == 0
            runs[epochs] = directory
        return runs[epochs]

    return train


class Workers:
    """Processes that train together; each has a directory of its own for what it is told to write."""

    def __init__(self, directory, number, epochs):
        self.directory = directory
        addresses = [f"localhost:{port}" for port in free_ports(number)]
        self.processes = [self._start(addresses, index, epochs) for index in range(number)]

    def _start(self, addresses, index, epochs):
        cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "TF_CONFIG": json.dumps(cluster), "TF_CPP_MIN_LOG_LEVEL": "3"}
        arguments = [str(self.directory / f"weights{index}.npz"), *command(self.directory / f"run{index}", epochs)]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.cli.worker", *arguments, "--strategy", "multi-worker"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.communicate()

    def wait_for_epoch(self, number):
        """Read what the chief says, until it has shown an epoch."""
        for line in self.processes[0].stdout:
            if line.split()[:1] and line.split()[0].startswith(f"{number}/"):
                return
        raise AssertionError(self.processes[0].stderr.read())

    def end(self, seconds=240):
        """Wait for all, and return their exit codes, outputs and errors."""
        until = time.monotonic() + seconds
        said = [process.communicate(timeout=max(0.0, until - time.monotonic())) for process in self.processes]
        return [process.returncode for process in self.processes], *map(list, zip(*said, strict=True))


def weights_of(path):
    with np.load(path) as found:
        return [found[name] for name in found.files]


def assert_the_same_run(directory, number, alone):
    """Compare the run of some workers with that of one process; noise is hardly there."""
    for path in [directory / f"weights{index}.npz" for index in range(number)]:
        for ours, chiefs in zip(weights_of(path), weights_of(directory / "weights0.npz"), strict=True):
            np.testing.assert_array_equal(ours, chiefs)
    for ours, theirs in zip(weights_of(directory / "weights0.npz"), weights_of(alone / "weights.npz"), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)

    ours, theirs = (
        list(csv.DictReader((path / "history.csv").read_text().splitlines()))
        for path in (directory / "run0", alone / "run")
    )
    for our_row, their_row in zip(ours, theirs, strict=True):
        assert list(our_row) == list(their_row)
        for name, value in their_row.items():
            assert float(our_row[name]) == pytest.approx(float(value), rel=1e-4), name
    ours, theirs = (json.loads((path / "metrics.json").read_text()) for path in (directory / "run0", alone / "run"))
    assert ours["elbo"] == pytest.approx(theirs["elbo"], rel=1e-4)
    assert (ours["workers"], ours["replicas"]) == (number, number)
    assert ours["settings"] == theirs["settings"]

    written = sorted(name for name in RUN_FILES if not name.endswith(".png"))
    assert sorted(path.name for path in (directory / "run0").iterdir()) == written
    assert not any((directory / f"run{index}").exists() for index in range(1, number))


@pytest.mark.soak
def test_two_processes_train_as_one_and_the_chief_alone_writes(tmp_path, alone):
    with Workers(tmp_path, 2, epochs=2) as workers:
        codes, outputs, errors = workers.end()
    assert codes == [0, 0], errors
    assert_the_same_run(tmp_path, 2, alone(2))
    assert "\n2 workers; each trains on its share of every batch, 2 shares\n" in outputs[0]
    assert "\nThis is worker 1 of 2; localhost:" in outputs[1]
    assert outputs[1].splitlines()[-1] == "Done: worker 1 of 2"


@pytest.mark.soak
def test_the_devices_of_one_machine_train_as_one(tmp_path, alone, monkeypatch):
    every = tf.config.list_logical_devices
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: every(kind)[:2])
    arguments = [*command(tmp_path / "run0", 2), "--strategy", "mirrored"]
    assert run(arguments, tmp_path / "weights0.npz") == 0
    for ours, theirs in zip(weights_of(tmp_path / "weights0.npz"), weights_of(alone(2) / "weights.npz"), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    metrics = json.loads((tmp_path / "run0" / "metrics.json").read_text())
    assert (metrics["workers"], metrics["replicas"]) == (1, 2)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("victim", "number", "again"),
    [(2, signal.SIGKILL, 3), (0, signal.SIGKILL, 3), (1, signal.SIGSTOP, 2)],
    ids=["worker", "chief", "hung"],
)
def test_when_one_of_three_is_gone_the_others_end_and_the_same_command_goes_on(tmp_path, alone, victim, number, again):
    epochs = 12
    with Workers(tmp_path, 3, epochs) as workers:
        workers.wait_for_epoch(3)
        workers.processes[victim].send_signal(number)
        gone, left = workers.processes[victim], [p for p in workers.processes if p is not workers.processes[victim]]
        killed = time.monotonic()
        for process in left:
            process.wait(SECONDS)
        print(f"the others ended after {time.monotonic() - killed:.1f} s")
        gone.kill()
        codes, _, errors = workers.end()
    assert codes[victim] == -signal.SIGKILL
    for index in {0, 1, 2} - {victim}:
        assert codes[index] == 75
        assert "Traceback" not in errors[index]
        last = errors[index].splitlines()[-1]
        assert last.startswith("keras-vae: a worker was lost: ")
        assert index or "The same command, given to all workers, resumes after epoch " in last
    done = 0 if victim == 0 else int(errors[0].split()[-1])

    with Workers(tmp_path, again, epochs) as workers:
        codes, outputs, errors = workers.end()
    assert codes == [0] * again, errors[0][-3000:]
    resumed = [line for line in outputs[0].splitlines() if line.startswith("Resuming after epoch ")]
    assert len(resumed) == 1 and resumed[0].endswith(f" of {epochs}")
    assert int(resumed[0].split()[3]) == done or (victim == 0 and int(resumed[0].split()[3]) >= 2)
    assert_the_same_run(tmp_path, again, alone(epochs))


@pytest.mark.soak
def test_workers_of_other_settings_are_told_what_differs(tmp_path):
    class Different(Workers):
        def _start(self, addresses, index, epochs):
            return super()._start(addresses, index, epochs + index)

    with Different(tmp_path, 2, epochs=2) as workers:
        codes, _, errors = workers.end()
    assert codes == [75, 2]
    assert errors[1].splitlines()[-1] == (
        "keras-vae: All workers must have the settings, the data and the packages of the chief. "
        "Received: --epochs 3 and not 2"
    )
