"""What a file claims to hold, compared with its size before memory is given to it."""

import math
import os
import zipfile
from typing import Any

import numpy as np

from keras_vae.core.file_contents import BrokenFileError, printable

# Neither weights nor images shrink to a hundredth.
_RATIO = 100
_ALWAYS = 64 * 2**20
CLAIMS_VARIABLE = "KERAS_VAE_MAX_BYTES"


def check_claim(name: Any, claimed: int, held: int, what: str = "its content") -> int:
    """Refuse a claim that a file of this size can hardly keep: at most 100 times its size and 64 MiB.

    The environment variable `KERAS_VAE_MAX_BYTES` allows more.

    Parameters
    ----------
    name : str or pathlib.Path
        Of the file, for the message.
    claimed : int
        The bytes of memory that it asks for.
    held : int
        The bytes that it has.
    what : str
        What asks, for the message.

    Returns
    -------
    int
        The bytes that are allowed.

    Raises
    ------
    BrokenFileError
        If it claims more.
    """
    allowed = max(_RATIO * held + _ALWAYS, _from_environment())
    if claimed > allowed:
        raise BrokenFileError(
            f"{printable(repr(str(name)))} must claim at most {allowed:,} bytes for its size. If you trust it, set the "
            f"environment variable {CLAIMS_VARIABLE} to what it may take. Received: {claimed:,} bytes for {what}"
        )
    return allowed


def read_npz(file: Any, name: str) -> dict[str, np.ndarray]:
    """Read the arrays of an npz file whose claims are those of its content.

    Parameters
    ----------
    file : path or file object
        The file.
    name : str
        What it is called, for the message.

    Returns
    -------
    dict of numpy.ndarray

    Raises
    ------
    BrokenFileError
        If it is broken, or claims what it does not hold.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            check_claim(name, sum(member.file_size for member in members), sum(m.compress_size for m in members))
            for member in members:
                with archive.open(member) as content:
                    _check_header(content, member)
        if hasattr(file, "seek"):
            file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)
    except BrokenFileError:
        raise
    except Exception as error:  # what a broken file raises, from zip, zlib or NumPy, has no common class
        reason = printable(str(error))[:200] or type(error).__name__
        raise BrokenFileError(
            f"{printable(repr(name))} must be a whole npz file of numbers. Received: {reason}"
        ) from error


def _check_header(content, member):
    """Refuse an array whose header promises another number of values than follow."""
    version = np.lib.format.read_magic(content)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(content)
    if math.prod(shape) * dtype.itemsize != member.file_size - content.tell():
        raise ValueError(f"the header of {member.filename} promises {shape} values of {dtype}, which do not follow")


def _from_environment():
    value = os.environ.get(CLAIMS_VARIABLE, "")
    return int(value) if value.isascii() and value.isdecimal() else 0
