"""Disks that are full or may not be written: one line, before computing where it can be known, and nothing left."""

import contextlib
import os
import subprocess

import pytest

import keras_vae as kv
from keras_vae_cli import main
from keras_vae_cli.outputs import parents_made
from tests.soaked import soaked


@pytest.fixture
def mounted(tmp_path):
    """Mount a file system of 200 kB, where that is allowed."""
    directory = tmp_path / "small"
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=200k", "none", str(directory)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield directory
    subprocess.run(["mount", "-o", "remount,rw", str(directory)], capture_output=True, check=False)
    subprocess.run(["umount", str(directory)], check=True)


COMMANDS = {
    "generate": ["generate", "MODEL", "--num", "4", "--output", "OUT/a/b.png"],
    "single": ["generate", "MODEL", "--num", "4", "--output", "OUT/a/b"],
    "evaluate": ["evaluate", "MODEL", "digits", "--limit", "4", "--num-samples", "2", "--json", "OUT/a/b.json"],
    "score": ["score", "MODEL", "digits", "--limit", "4", "--output", "OUT/a/b.csv"],
    "export": ["export", "MODEL", "--output", "OUT/a/b"],
    "train": ["train", "digits", "--limit", "9", "--epochs", "1", "--output", "OUT/a/b"],
}

commands = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
WRITERS = [name for name in COMMANDS if name != "train"]
writers = pytest.mark.parametrize("name", soaked(WRITERS, quick=WRITERS[:-1]))


def run(command, saved, out):
    return main([word.replace("MODEL", str(saved)).replace("OUT", str(out)) for word in command])


def fill(directory, but=0):
    """Leave no room on a file system, or some bytes."""
    with open(directory / "filling", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"0" * 4096)
    if but:
        os.truncate(directory / "filling", (directory / "filling").stat().st_size - but)


@commands
@pytest.mark.parametrize("reason", ["Read-only file system", "No space left on device"])
def test_a_disk_that_cannot_be_written_is_said_before_tensorflow_starts(saved, mounted, capsys, command, reason):
    if reason.startswith("Read"):
        subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    else:
        fill(mounted)
    before = os.listdir(mounted)
    assert run(command, saved, mounted) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.count("\n") == 1
    assert "must be writable. Received: " in errors and f"({reason})" in errors
    assert os.listdir(mounted) == before


@writers
def test_a_disk_that_fills_up_meanwhile_is_one_line_and_leaves_no_empty_directory(
    saved, mounted, capsys, monkeypatch, name
):
    real = kv.load_model

    def filling(*arguments, **options):
        fill(mounted)
        return real(*arguments, **options)

    monkeypatch.setattr(kv, "load_model", filling)
    assert run(COMMANDS[name], saved, mounted) == 2
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert "No space left on device" in errors
    assert os.listdir(mounted) == ["filling"]


def test_an_array_that_cannot_have_room_is_refused_before_it_is_computed(saved, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(kv.VAE, "generate", lambda *_, **__: pytest.fail("it is computed"))
    assert main(["generate", str(saved), "--num", str(10**12), "--output", str(tmp_path / "x.npy")]) == 2
    errors = capsys.readouterr().err
    assert "`--output` must have room for 256,000,000 MB. Received: " in errors
    assert list(tmp_path.iterdir()) == []


@commands
def test_a_place_that_is_a_file_is_refused(saved, tmp_path, capsys, command):
    (tmp_path / "a").write_text("years of work")
    assert run(command, saved, tmp_path) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.count("\n") == 1
    assert (tmp_path / "a").read_text() == "years of work"


@writers
def test_directories_above_are_made_by_every_command(saved, tmp_path, name):
    assert run(COMMANDS[name], saved, tmp_path / "deep") == 0
    (found,) = (tmp_path / "deep" / "a").iterdir()
    assert found.stem == "b"


def failing(path, before):
    with parents_made(path):
        before()
        raise ZeroDivisionError


def test_only_what_was_made_is_removed_when_the_block_fails(tmp_path):
    old, new = tmp_path / "old", tmp_path / "old" / "new"
    old.mkdir()
    with pytest.raises(ZeroDivisionError):
        failing(new / "newer" / "file", lambda: None)
    assert list(old.iterdir()) == []
    with pytest.raises(ZeroDivisionError):
        failing(new / "file", (new / "thesis.tex").touch)
    assert (new / "thesis.tex").exists()
