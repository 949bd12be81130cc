"""Files that are complete or absent."""

import contextlib
import fcntl
import glob
import os
import pathlib
import shutil
import tempfile


@contextlib.contextmanager
def atomic_write(path):
    """Write a temporary file and rename it into place, so that a good file is never replaced by half of one.

    The new file is on the disk before it takes the name, and the name before this returns: neither a killed process
    nor a power cut leaves anything but the old file or the new one.

    Parameters
    ----------
    path : str or pathlib.Path
        The file to write.

    Yields
    ------
    pathlib.Path
        Where to write it: a new name of the same suffix in the same directory.

    Raises
    ------
    OSError
        If the directory cannot be written.
    """
    path = pathlib.Path(path)
    aside = path.with_name(f"{_partial(path)}.{os.getpid()}.partial{''.join(path.suffixes)[-40:]}")
    try:
        yield aside
        synchronize(aside)
        os.replace(aside, path)
        synchronize(path.parent)
    except OSError as error:
        if error.errno is not None and str(error.filename) in ("None", str(aside)):
            error.filename = str(path)  # what the caller knows, and a failed write names no file at all
        raise
    finally:
        aside.unlink(missing_ok=True)


def remove_partial(path):
    """Remove what processes that were killed in the middle of `atomic_write` left beside a file.

    Parameters
    ----------
    path : str or pathlib.Path
        The file; no other process may be writing it now.
    """
    path = pathlib.Path(path)
    for aside in path.parent.glob(f"{glob.escape(_partial(path))}.*.partial*"):
        aside.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_directory(path):
    """Fill a temporary directory and rename it into place; an existing one that is not empty is never replaced.

    What a process that was killed left of the same directory is removed.

    Parameters
    ----------
    path : str or pathlib.Path
        The directory to make; the one above it is made if it is missing.

    Yields
    ------
    pathlib.Path
        An empty directory beside it, whose name begins with a dot.

    Raises
    ------
    OSError
        If the directory cannot be written, or another one was put there first.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for other in path.parent.glob(f"{glob.escape(_partial(path))}.*.partial"):
        with contextlib.suppress(OSError), _locked(other):
            shutil.rmtree(other, ignore_errors=True)  # its process was killed
    aside = pathlib.Path(tempfile.mkdtemp(prefix=f"{_partial(path)}.", suffix=".partial", dir=path.parent))
    try:
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):  # a file system without locks
                stack.enter_context(_locked(aside))
            yield aside
        aside.chmod(0o777 & ~_umask())  # `mkdtemp` makes it for this user alone, and a server is another one
        for entry in [*aside.rglob("*"), aside]:
            synchronize(entry)
        aside.rename(path)
        synchronize(path.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check_writable_directory(path):
    """Make a directory and prove, by writing into it, that files can be written there.

    Parameters
    ----------
    path : str or pathlib.Path
        The directory.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    OSError
        With the directory's name, if it cannot be made or written.
    """
    path = pathlib.Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f"The output directory must be writable. Received: {str(path)!r} ({reason})") from error


def synchronize(path):
    """Wait until a file, or a directory's list of files, is on the disk.

    Parameters
    ----------
    path : str or pathlib.Path
        The file or the directory.

    Raises
    ------
    OSError
        If that fails.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(directory):
    """Keep a directory's lock while the block runs; an OSError where another process has it."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _partial(path):
    """Return how the names of what is written aside begin: short enough for any file system."""
    return f".{path.name.encode()[:150].decode(errors='ignore')}"


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
