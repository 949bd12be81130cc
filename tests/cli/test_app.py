"""The command line as a whole: help, version, and a quick start."""

import os
import subprocess
import sys

import pytest

import keras_vae as kv
from keras_vae.data.sources import SOURCES
from keras_vae_cli import main
from keras_vae_cli.command import LOG_LEVEL, quiet_start

QUICK_START = """
import sys
from keras_vae_cli import main
assert main(["train", "--help"]) == 0
assert not {"keras_vae", "tensorflow", "keras", "numpy", "matplotlib"} & set(sys.modules), "a slow start"
"""


def test_help_names_every_data_set_and_starts_no_tensorflow():
    environment = os.environ | {"TERM": "dumb", "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-c", QUICK_START], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    for name in SOURCES:
        assert name in done.stdout


def test_a_bare_command_shows_the_help(capsys):
    assert main([]) == 2
    output, errors = capsys.readouterr()
    assert "train" in output + errors
    assert "keras-vae: " not in errors


def test_version_is_the_packages(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"keras-vae {kv.__version__}\n"


def test_a_quiet_start_swallows_what_is_written_past_python(capfd, monkeypatch):
    monkeypatch.delenv(LOG_LEVEL, raising=False)
    with quiet_start():
        os.write(2, b"chatter\n")
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"
    monkeypatch.delenv(LOG_LEVEL)


def test_a_start_that_fails_is_not_quiet(capfd, monkeypatch):
    monkeypatch.delenv(LOG_LEVEL, raising=False)

    def failing():
        with quiet_start():
            os.write(2, b"the reason\n")
            raise ImportError("no")

    with pytest.raises(ImportError):
        failing()
    assert capfd.readouterr().err == "the reason\n"
    monkeypatch.delenv(LOG_LEVEL)


def test_who_asks_for_messages_gets_them(capfd, monkeypatch):
    monkeypatch.setenv(LOG_LEVEL, "0")
    with quiet_start():
        os.write(2, b"chatter\n")
    assert capfd.readouterr().err == "chatter\n"
