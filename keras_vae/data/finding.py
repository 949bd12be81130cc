"""Looking for a data set in one place after the other."""

import contextlib
import logging
import os
import pathlib
import socket
from collections.abc import Callable
from typing import NamedTuple

from keras_vae.data.data_not_found_error import DataNotFoundError

DATA_VARIABLE = "KERAS_VAE_DATA"

# Keras's downloader has no time limit of its own.
_SECONDS_WITHOUT_AN_ANSWER = 15.0

_logger = logging.getLogger("keras_vae")


class Place(NamedTuple):
    """Where a data set may be.

    Attributes
    ----------
    name : str
        The place in words, for messages.
    read : callable
        Without arguments; returns the data, raises FileNotFoundError with the reason where they are not there, and
        ValueError where they are there but broken.
    """

    name: str
    read: Callable


def find(title, places, remedies):
    """Return what the first place that has the data set gives.

    Parameters
    ----------
    title : str
        What the data set is called.
    places : iterable of Place
        Where to look, in order.
    remedies : sequence of str
        What the user can do if no place has it.

    Returns
    -------
    object
        What that place's `read` returned.

    Raises
    ------
    DataNotFoundError
        If no place has it.
    ValueError
        If a place has it, but broken.
    """
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
    """Return the directory that the user named by the environment variable `KERAS_VAE_DATA`, as a place.

    Parameters
    ----------
    read : callable
        Takes the directory as a `pathlib.Path`; as `Place.read` otherwise.

    Returns
    -------
    Place
    """
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        return Place(f"the directory named by {DATA_VARIABLE}", lambda: _absent("the variable is not set"))
    directory = pathlib.Path(named).expanduser()
    return Place(f"{directory}, named by {DATA_VARIABLE}", lambda: read(existing(directory)))


def existing(directory):
    """Return a directory that must be there.

    Parameters
    ----------
    directory : pathlib.Path
        The directory.

    Returns
    -------
    pathlib.Path
        `directory`.

    Raises
    ------
    FileNotFoundError
        If it is not a directory.
    """
    if not directory.is_dir():
        _absent("no such directory")
    return directory


def keras_cache():
    """Return the directory in which Keras keeps the data sets that it has downloaded.

    Returns
    -------
    pathlib.Path
        `$KERAS_HOME/datasets`, or `~/.keras/datasets`.
    """
    return pathlib.Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets"


def download(load_data):
    """Let Keras download a data set, without waiting for ever for a host that does not answer.

    Parameters
    ----------
    load_data : callable
        One of `keras.datasets`' functions.

    Returns
    -------
    object
        What `load_data` returned.

    Raises
    ------
    FileNotFoundError
        With the reason in one line, if the download did not succeed.
    """
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
