"""A directory belongs to one process at a time, and to nobody when that one is gone."""

import contextlib
import errno
import fcntl
import os
import signal
import socket

import pytest

from keras_vae.core import DirectoryLock, InUseError


@contextlib.contextmanager
def another_process(directory):
    """Let a process lock a directory, and yield its number; it is killed at the end, and cleans nothing up."""
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            DirectoryLock(directory).acquire()
            os.write(writer, b"locked")
            signal.pause()
        finally:
            os._exit(1)
    os.close(writer)
    try:
        assert os.read(reader, 6) == b"locked"
        yield process
    finally:
        os.close(reader)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def test_whoever_comes_second_is_refused_and_told_by_whom(tmp_path):
    lock = DirectoryLock(tmp_path)
    with another_process(tmp_path) as process:
        with pytest.raises(InUseError, match=rf"'{tmp_path}' is in use by process {process} on {socket.gethostname()}"):
            lock.acquire()
        assert not lock.is_mine
        lock.release()  # of what it does not have
        assert (tmp_path / ".lock").exists()
    # The file is still there, and its owner is not.
    assert (tmp_path / ".lock").exists()
    lock.acquire()
    lock.release()
    assert list(tmp_path.iterdir()) == []


def test_a_process_may_lock_what_it_has_locked(tmp_path):
    first, second = DirectoryLock(tmp_path), DirectoryLock(tmp_path)
    first.acquire()
    second.acquire()
    second.acquire()
    second.release()
    second.release()
    assert (tmp_path / ".lock").exists()
    first.release()
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    (tmp_path / ".lock").symlink_to("thesis.tex")
    with pytest.raises(OSError, match="symbolic links"):
        DirectoryLock(tmp_path).acquire()
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize(
    ("words", "is_free"),
    [
        ("", True),
        ("\x1b[2Jnonsense\n", True),
        ("{gone} {here}\n", True),
        ("{alive} {here}\n", False),
        ("{gone} another-host\n", False),
    ],
)
def test_where_the_file_system_has_no_locks_the_words_in_the_file_count(tmp_path, monkeypatch, words, is_free):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    gone = os.fork()
    if gone == 0:
        os._exit(0)
    os.waitpid(gone, 0)
    monkeypatch.setattr(fcntl, "flock", no_locks)
    content = words.format(gone=gone, alive=os.getppid(), here=socket.gethostname())
    (tmp_path / ".lock").write_text(content)
    lock = DirectoryLock(tmp_path)
    if is_free:
        lock.acquire()
        assert (tmp_path / ".lock").read_text() == f"{os.getpid()} {socket.gethostname()}\n"
        lock.release()
    else:
        with pytest.raises(InUseError, match=f"in use by process {content.split()[0]} on"):
            lock.acquire()
        assert (tmp_path / ".lock").read_text() == content
