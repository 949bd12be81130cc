"""IDX files, the format of MNIST: a header with the type and the sizes, then the values."""

import gzip
import math
import pathlib
import struct
import zlib

import numpy as np

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTE = 0x08


def read_idx(path):
    """Read an IDX file of unsigned bytes, gzipped or plain.

    The header is two zero bytes, the type's code, the number of axes and, for each axis, its size as a big-endian
    32-bit integer.

    Parameters
    ----------
    path : str or pathlib.Path
        The file. Whether it is gzipped is read from its first bytes, not from its name.

    Returns
    -------
    numpy.ndarray
        Of the file's own shape, uint8.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a whole IDX file of unsigned bytes; the message names the file.
    """
    content = pathlib.Path(path).read_bytes()
    if content.startswith(_GZIP_MAGIC):
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise _broken(path, f"a gzip file that does not unpack ({error})") from error

    if len(content) < 4 or content[:3] != bytes([0, 0, _UNSIGNED_BYTE]):
        raise _broken(path, f"a file that begins with {content[:4].hex(' ') or 'nothing'}")
    num_axes = content[3]
    start = 4 + 4 * num_axes
    if len(content) < start:
        raise _broken(path, f"a header of {len(content)} bytes for {num_axes} axes")
    shape = struct.unpack(f">{num_axes}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise _broken(path, f"{len(content) - start} values where the header says {math.prod(shape)}, shape {shape}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _broken(path, received):
    return ValueError(f"{str(path)!r} must be a whole IDX file of unsigned bytes: fetch it again. Received: {received}")
