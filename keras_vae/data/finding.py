"""Looking for a data set in one place after the other."""

import contextlib
import logging
import os
import pathlib
import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple

DATA_VARIABLE = "KERAS_VAE_DATA"

# Keras's downloader has no time limit of its own.
_SECONDS_WITHOUT_AN_ANSWER = 15.0

_logger = logging.getLogger("keras_vae")


class DataNotFoundError(FileNotFoundError):
    """A data set was not found. The message names each place, why it failed, and the remedies.

    Parameters
    ----------
    title : str
        What the data set is called.
    looked : sequence of str
        Each place with the reason why it failed, in the order of looking.
    remedies : sequence of str
        What the user can do.

    Attributes
    ----------
    title, looked, remedies
        The arguments.
    """

    def __init__(self, title: str, looked: Sequence[str], remedies: Sequence[str]) -> None:
        self.title = title
        self.looked = tuple(looked)
        self.remedies = tuple(remedies)
        super().__init__(
            f"{title} was not found. Looked in: {'; '.join(self.looked)}. What helps: {'; or '.join(self.remedies)}."
        )

    def __reduce__(self):
        """Rebuild from the arguments: an exception is pickled by its message otherwise."""
        return DataNotFoundError, (self.title, self.looked, self.remedies)


class Place(NamedTuple):
    """Where a data set may be: in words, and a function that reads it, or raises FileNotFoundError with the reason."""

    name: str
    read: Callable


def find(title, places, remedies):
    """Return what the first place that has the data set gives; broken data there are a ValueError."""
    looked = []
    for place in places:
        try:
            found = place.read()
        except FileNotFoundError as reason:
            looked.append(f"{place.name} ({reason})")
        else:
            _logger.info("%s: from %s", title, place.name)
            return found
    raise DataNotFoundError(title, looked, remedies)


def users_place(read):
    """Return the directory that the user named by the environment variable `KERAS_VAE_DATA`, as a place."""
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        return Place(f"the directory named by {DATA_VARIABLE}", lambda: _absent("the variable is not set"))
    directory = pathlib.Path(named).expanduser()
    return Place(f"{directory}, named by {DATA_VARIABLE}", lambda: read(existing(directory)))


def existing(directory):
    """Return a directory, or raise FileNotFoundError."""
    if not directory.is_dir():
        _absent("no such directory")
    return directory


def keras_cache():
    return pathlib.Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets"


def download(load_data):
    """Let Keras download a data set, or raise FileNotFoundError with the reason in one line."""
    try:
        with _socket_timeout(_SECONDS_WITHOUT_AN_ANSWER):
            return load_data()
    except Exception as error:  # Keras wraps what went wrong in a bare Exception
        reason = " ".join(str(error).split())
        raise FileNotFoundError(reason or type(error).__name__) from error


@contextlib.contextmanager
def _socket_timeout(seconds):
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _absent(reason):
    raise FileNotFoundError(reason)
