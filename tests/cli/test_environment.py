"""Environments in which nothing can work are refused in a line, before TensorFlow starts."""

import json
import os
import resource
import subprocess
import sys
import time

import pytest

from keras_vae_cli import environment, main


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    return tmp_path / "home" / "keras.json"


def test_an_ordinary_environment_is_right(home):
    assert environment.mistake_in_environment() is None
    for content in ("{", "[]", "[" * 100_000, json.dumps({"floatx": "float32", "backend": "tensorflow"})):
        home.write_text(content)
        assert environment.mistake_in_environment() is None


def refused(tmp_path, capsys, message):
    assert main(["train", "digits", "--output", str(tmp_path / "run")]) == 2
    output, errors = capsys.readouterr()
    assert "Starting TensorFlow" not in output
    assert errors.startswith(f"keras-vae: {message}")
    assert errors.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_another_backend_is_refused(home, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    message = "Keras's backend must be tensorflow, by the environment variable KERAS_BACKEND. Received: 'jax'"
    refused(tmp_path, capsys, message)
    monkeypatch.delenv("KERAS_BACKEND")
    home.write_text(json.dumps({"backend": "torch"}))
    refused(tmp_path, capsys, "Keras's backend must be tensorflow, by backend in keras.json. Received: 'torch'")


def test_another_float_type_is_refused(home, tmp_path, capsys):
    home.write_text(json.dumps({"floatx": "float16"}))
    refused(tmp_path, capsys, "floatx in keras.json must be float32; `--precision` of train has half precision.")


@pytest.mark.parametrize("year", [1970, 2200])
def test_a_clock_that_files_cannot_be_dated_by_is_refused(year, home, tmp_path, monkeypatch, capsys):
    moment = time.struct_time((year, 1, 1, 0, 0, 0, 0, 1, 0))
    monkeypatch.setattr(environment.time, "localtime", lambda *_: moment)
    refused(tmp_path, capsys, f"The clock must be between 1980 and 2107, which files can be dated. Received: {year}")


def test_too_little_memory_to_address_is_refused(home, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(environment.resource, "getrlimit", lambda _: (10**9, resource.RLIM_INFINITY))
    refused(tmp_path, capsys, "`ulimit -v` must allow at least 4,000,000 kB. Received: 976,562")


def test_a_backend_of_matplotlib_that_there_is_not_is_not_asked_for(tmp_path):
    script = "from keras_vae_cli.command import quiet_start\nwith quiet_start():\n    import matplotlib.figure\n"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "MPLBACKEND": "foo"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
