"""Files that are whole or not there at all."""

import contextlib
import os
import pathlib
import tempfile


@contextlib.contextmanager
def atomic_write(path):
    """Write a file aside and rename it into place, so that a good file is never replaced by half of one.

    Parameters
    ----------
    path : str or pathlib.Path
        Where the file shall be.

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
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial{''.join(path.suffixes)}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


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
