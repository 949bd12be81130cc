"""The directory of a run under attack: two owners, mount points, long names, no room, kills at each rename."""

import dataclasses
import json
import os
import subprocess
import tempfile

import pytest

from keras_vae_cli import main, run_directory
from keras_vae_cli.command import Mistake
from keras_vae_cli.run_directory import RUN_FILES, UNFINISHED, RunDirectory
from keras_vae_cli.settings import Settings
from tests.core.test_lock import another_process

QUICK = (
    *("--architecture", "mlp", "--units", "8", "--limit", "64", "--batch-size", "64", "--epochs", "1"),
    *("--latent-dim", "2"),
)

pytestmark = pytest.mark.usefixtures("eager")


def train(output, *more):
    return main(["train", "digits", *QUICK, "--output", str(output), *more])


@pytest.fixture
def mount(tmp_path):
    """Mount file systems in memory, where that is allowed."""
    mounted = []

    def mount(directory, how="rw"):
        directory.mkdir(parents=True, exist_ok=True)
        remount = ["-o", f"remount,{how}", str(directory)] if directory in mounted else None
        command = ["mount", *(remount or ["-t", "tmpfs", "-o", f"size=20m,{how}", "none", str(directory)])]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("no file system may be mounted here")
        if not remount:
            mounted.append(directory)

    yield mount
    for directory in reversed(mounted):
        subprocess.run(["umount", str(directory)], check=True)


def written(directory):
    return sorted(path.name for path in directory.iterdir())


ALL = sorted(name for name in RUN_FILES if not name.endswith(".png"))


@pytest.mark.usefixtures("no_pictures")
def test_the_second_of_two_runs_is_refused_and_removes_nothing(tmp_path, capsys):
    output = tmp_path / "both"
    (output / UNFINISHED).mkdir(parents=True)
    with another_process(output) as process:
        before = written(output)
        assert train(output, "--overwrite") == 2
        assert written(output) == before
    said = capsys.readouterr().err
    assert "keras-vae: `--output` must be a directory that nobody else uses: take another one, or wait. " in said
    assert f"is in use by process {process} on " in said
    assert train(output) == 0  # the other one is gone
    assert written(output) == ALL


@pytest.mark.usefixtures("no_pictures")
def test_a_mount_point_under_a_parent_that_cannot_be_written_takes_a_run(tmp_path, mount, capsys):
    parent = tmp_path / "parent"
    mount(parent)
    mount(parent / "output")
    mount(parent, "ro")
    assert train(parent / "output") == 0, capsys.readouterr().err
    assert written(parent / "output") == ALL
    assert train(parent / "output", "--seed", "1", "--overwrite") == 0
    assert written(parent / "output") == ALL


def test_a_workspace_on_another_file_system_is_refused_before_the_first_step(tmp_path, mount, capsys):
    mount(tmp_path / "run" / UNFINISHED)
    assert train(tmp_path / "run") == 2
    said = capsys.readouterr()
    assert "nats/image" not in said.out
    assert "`--output` must let files be written and renamed. " in said.err
    assert "cross-device link" in said.err


def test_too_little_room_is_found_before_the_first_step(tmp_path, mount, capsys):
    mount(tmp_path / "run")
    assert train(tmp_path / "run", "--units", "2000,1000") == 2
    said = capsys.readouterr().err
    assert "`--output` must let files be written and renamed. " in said
    assert "MB are free, and about " in said


@pytest.mark.usefixtures("no_pictures")
def test_names_of_the_greatest_length_and_the_directory_itself_take_a_run(tmp_path, monkeypatch):
    long = tmp_path / ("x" * 250)
    assert train(long) == 0
    assert written(long) == ALL
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert train(".") == 0
    assert written(here) == ALL
    assert written(tmp_path) == ["here", "x" * 250]


@pytest.mark.usefixtures("no_pictures")
def test_without_a_directory_for_temporary_files_the_runs_own_serves(tmp_path, monkeypatch):
    def none():
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_get_default_tempdir", none)
    assert train(tmp_path / "run") == 0
    assert written(tmp_path / "run") == ALL
    assert tempfile.tempdir is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (os.fsdecode(b"run\xff"), "must be a name in UTF-8"),
        ("loop/run", "must be a directory. .* loop"),
        ("x" * 300, "must be .*File name too long"),
    ],
)
def test_names_that_cannot_be_are_refused_in_one_line(tmp_path, name, message):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(Mistake, match=message):
        RunDirectory(tmp_path / name, overwrite=False)
    assert written(tmp_path) == ["loop"]


class Killed(BaseException):
    """Stands for `kill -9`: nothing is put away."""


def killed_at(monkeypatch, step, output, files):
    """Finish a run, and be killed before a step of it: a file that is renamed, or removed."""
    count = 0

    def counting(function):
        def counted(*arguments, **keywords):
            nonlocal count
            count += 1
            if count == step:
                raise Killed
            return function(*arguments, **keywords)

        return counted

    directory = RunDirectory(output, overwrite=True).__enter__()
    for name in files:
        (directory.workspace / name).write_text("new")
    (directory.workspace / "best.keras").write_text("checkpoint")
    with monkeypatch.context() as patch:
        patch.setattr(run_directory.os, "replace", counting(os.replace))
        patch.setattr(run_directory.pathlib.Path, "unlink", counting(run_directory.pathlib.Path.unlink))
        try:
            directory.finish({"seed": 0})
            done = True
        except Killed:
            done = False
    directory._lock.release()  # as the operating system does
    return done


@pytest.mark.parametrize("files", [ALL, list(RUN_FILES)], ids=["without pictures", "all"])
def test_a_run_that_is_killed_at_any_step_of_its_end_is_the_old_one_or_the_new_one(tmp_path, monkeypatch, files):
    step, before_the_point_of_no_return = 0, True
    while True:
        step += 1
        output = tmp_path / str(step)
        output.mkdir()
        for name in RUN_FILES:
            (output / name).write_text("old")
        done = killed_at(monkeypatch, step, output, files)
        with RunDirectory(output, overwrite=True) as directory:
            if directory.is_whole:
                before_the_point_of_no_return = False
                assert directory.settings_of_whole() == {"seed": 0}
                directory.finish()
        contents = {path.name: path.read_text() for path in output.iterdir() if path.is_file()}
        if before_the_point_of_no_return:
            assert contents == dict.fromkeys(RUN_FILES, "old")
        else:
            assert contents == dict.fromkeys(files, "new")
            assert not (output / UNFINISHED).exists()
        if done:
            break
    assert step > len(files)
    assert not before_the_point_of_no_return


@pytest.mark.usefixtures("no_pictures")
def test_the_same_command_finishes_a_run_that_was_killed_at_its_end_and_trains_no_more(tmp_path, capsys):
    output = tmp_path / "run"
    assert train(output) == 0
    settings = json.loads((output / "metrics.json").read_text())["settings"]
    model = (output / "model.keras").read_bytes()

    def as_killed():
        (output / UNFINISHED).mkdir()
        for name in ALL[1:]:
            os.replace(output / name, output / UNFINISHED / name)
        every = {field.name: settings.get(field.name) for field in dataclasses.fields(Settings)}
        (output / UNFINISHED / "whole.json").write_text(json.dumps({"files": ALL, "settings": every}))

    as_killed()
    capsys.readouterr()
    assert train(output) == 0
    assert "Training on" not in capsys.readouterr().out
    assert (written(output), (output / "model.keras").read_bytes()) == (ALL, model)
    # Another run finds that there is one.
    as_killed()
    assert train(output, "--seed", "1") == 2
    assert "`--output` already holds a run" in capsys.readouterr().err
    assert (written(output), (output / "model.keras").read_bytes()) == (ALL, model)


def test_a_marker_that_is_damaged_is_named(tmp_path):
    (tmp_path / "run" / UNFINISHED).mkdir(parents=True)
    marker = tmp_path / "run" / UNFINISHED / "whole.json"
    for content in (b"", b"\x00" * 9, b'{"files": 3}', b"[" * 100_000):
        marker.write_bytes(content)
        with (
            RunDirectory(tmp_path / "run", overwrite=False) as directory,
            pytest.raises(ValueError, match=f"'{marker}' must be"),
        ):
            directory.settings_of_whole()
