"""Files that are whole or not there, and directories that are proved writable."""

import errno
import os

import pytest

from keras_vae import core


def test_a_file_is_put_in_place_when_it_is_whole(tmp_path):
    path = tmp_path / "model.weights.h5"
    path.write_text("old")
    with core.atomic_write(path) as aside:
        assert aside.parent == tmp_path
        assert aside.name.endswith(".weights.h5")  # Keras looks at the suffix
        aside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["model.weights.h5"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "model.keras"
    path.write_text("old")

    def fail_half_way():
        with core.atomic_write(str(path)) as aside:
            aside.write_text("half")
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        fail_half_way()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["model.keras"]


def test_an_error_of_the_system_names_the_file_that_was_to_be_written(tmp_path):
    path = tmp_path / "model.keras"

    def fail(filename):
        with core.atomic_write(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), filename)

    with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
        fail(None)
    with pytest.raises(OSError, match="No space left on device: 'another'"):
        fail("another")


def test_a_writer_that_writes_nothing_leaves_the_old_file(tmp_path):
    path = tmp_path / "model.keras"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), core.atomic_write(path):
        pass
    assert path.read_text() == "old"


def test_a_directory_is_made_with_its_parents_and_left_empty(tmp_path):
    directory = core.check_writable_directory(str(tmp_path / "runs" / "first"))
    assert directory == tmp_path / "runs" / "first"
    assert os.listdir(directory) == []
    assert core.check_writable_directory(directory) == directory


def test_a_directory_under_a_regular_file_is_refused_by_name(tmp_path):
    (tmp_path / "file").write_text("in the way")
    directory = tmp_path / "file" / "runs"
    with pytest.raises(OSError, match=rf"The output directory must be writable. Received: '{directory}' \(Not a dir"):
        core.check_writable_directory(directory)


def test_a_regular_file_is_no_directory(tmp_path):
    path = tmp_path / "file"
    path.write_text("in the way")
    with pytest.raises(OSError, match=r"The output directory must be writable. .*\(File exists\)"):
        core.check_writable_directory(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match=r"The output directory must be writable. .*\(Permission denied\)"):
        core.check_writable_directory(tmp_path)


def test_a_directory_is_put_in_place_when_it_is_whole(tmp_path):
    path = tmp_path / "models" / "1"
    with core.atomic_directory(path) as aside:
        assert aside.parent == path.parent
        assert aside.name.startswith(".")  # nothing that a server looks for
        (aside / "part").mkdir()
        (aside / "part" / "file").write_text("whole")
        assert not path.exists()
    assert (path / "part" / "file").read_text() == "whole"
    assert os.listdir(path.parent) == ["1"]


def test_half_a_directory_is_taken_away(tmp_path):
    def fail_half_way():
        with core.atomic_directory(tmp_path / "1") as aside:
            (aside / "file").write_text("half")
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        fail_half_way()
    assert os.listdir(tmp_path) == []


def test_a_directory_that_holds_something_is_never_replaced(tmp_path):
    path = tmp_path / "1"
    path.mkdir()
    (path / "file").write_text("old")
    with pytest.raises(OSError, match="not empty"), core.atomic_directory(path) as aside:
        (aside / "file").write_text("new")
    assert (path / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["1"]


def test_half_a_directory_of_a_process_that_was_killed_is_removed_and_that_of_one_that_lives_is_not(tmp_path):
    killed = tmp_path / ".1.abc.partial"
    killed.mkdir()
    (killed / "file").write_text("half")
    with core.atomic_directory(tmp_path / "1") as living:
        (living / "file").write_text("not yet")
        assert not killed.exists()
        with core.atomic_directory(tmp_path / "1") as aside:
            (aside / "file").write_text("whole")
        assert (living / "file").exists()
        living.joinpath("file").unlink()
        (tmp_path / "1" / "file").unlink()
    assert sorted(os.listdir(tmp_path)) == ["1"]


def test_names_of_the_greatest_length_are_written_aside_too(tmp_path):
    path = tmp_path / ("é" * 120 + ".keras")
    with core.atomic_write(path) as aside:
        aside.write_text("new")
        aside_of_file = aside
    assert path.read_text() == "new"
    with core.atomic_directory(tmp_path / ("x" * 255)) as aside:
        (aside / "file").write_text("whole")
    aside_of_file.touch()
    core.remove_partial(path)
    assert len(os.listdir(tmp_path)) == 2
