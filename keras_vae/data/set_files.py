"""Labelled sets of images in files: four IDX files as MNIST has them, or one npz file with four arrays."""

import contextlib
import gzip
import math
import pathlib
import struct
import zlib

import numpy as np

from keras_vae.core import BrokenFileError, check_claim
from keras_vae.core import read_npz as arrays_of_npz
from keras_vae.data.finding import existing
from keras_vae.data.image_set import ImageSet

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTE = 0x08
_NUM_CLASSES = 10

# The files of these sets bear the same names, and a directory may hold either's.
_FIRST_TEST_LABELS = {
    "MNIST": (7, 2, 1, 0, 4, 1, 4, 9, 5, 9),
    "Fashion-MNIST": (9, 2, 1, 1, 6, 1, 4, 6, 5, 7),
}


def read_idx(path):
    """Read an IDX file of unsigned bytes, gzipped or plain.

    The header is two zero bytes, the type's code, the number of axes and, for each axis, its size as a big-endian
    32-bit integer.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise _broken(path, "a directory, a pipe or a device")
    held = path.stat().st_size
    with path.open("rb") as plain:
        is_packed = plain.read(2) == _GZIP_MAGIC
        plain.seek(0)
        with contextlib.closing(gzip.GzipFile(fileobj=plain)) if is_packed else contextlib.nullcontext(plain) as file:
            try:
                return _read_values(file, path, held)
            except (EOFError, OSError, zlib.error) as error:
                raise _broken(path, f"a gzip file that does not unpack ({error})") from error


def _read_values(file, path, held):
    """Read the header, and so many values as it says and the file can have."""
    start = file.read(4)
    if len(start) < 4 or start[:3] != bytes([0, 0, _UNSIGNED_BYTE]):
        raise _broken(path, f"a file that begins with {start.hex(' ') or 'nothing'}")
    num_axes = start[3]
    sizes = file.read(4 * num_axes)
    if len(sizes) < 4 * num_axes:
        raise _broken(path, f"a header of {4 + len(sizes)} bytes for {num_axes} axes")
    shape = struct.unpack(f">{num_axes}I", sizes)
    claimed = math.prod(shape)
    check_claim(path, claimed, held, "the values of its header")
    values = file.read(claimed)
    more = len(file.read(1))
    if len(values) != claimed or more:
        found = f"more than {claimed}" if more else len(values)
        raise _broken(path, f"{found} values where the header says {claimed}, shape {shape}")
    return np.frombuffer(values, np.uint8).reshape(shape)


def _broken(path, received):
    return BrokenFileError(
        f"{str(path)!r} must be a whole IDX file of unsigned bytes: fetch it again. Received: {received}"
    )


def read_idx_directory(directory, *, title, class_names):
    """Read the four IDX files of a set, gzipped or plain."""
    existing(directory)
    paths = [
        _one_of(directory, f"{split}-{kind}-idx{num_axes}-ubyte")
        for split in ("train", "t10k")
        for kind, num_axes in (("images", 3), ("labels", 1))
    ]
    arrays = [read_idx(path) for path in paths]
    return _splits(arrays, paths, title, class_names)


def read_npz(path, *, title, class_names):
    """Read a set from an npz file with Keras's four arrays: `x_train`, `y_train`, `x_test`, `y_test`."""
    if not path.is_file():
        raise FileNotFoundError(f"no {path.name}")
    try:
        found = arrays_of_npz(path, str(path))
        arrays = [found[name] for name in ("x_train", "y_train", "x_test", "y_test")]
    except (KeyError, BrokenFileError) as error:
        raise BrokenFileError(
            f"{str(path)!r} must be an npz file with the arrays x_train, y_train, x_test and y_test: fetch it again. "
            f"Received: {error}"
        ) from error
    return _splits(arrays, [path] * 4, title, class_names)


def as_splits(loaded, class_names):
    """Turn what a function of `keras.datasets` returns into the pair that `load` returns."""
    return tuple(_image_set(images, labels, class_names) for images, labels in loaded)


def _one_of(directory, name):
    dotted = name.replace("-idx", ".idx")
    for candidate in (name, f"{name}.gz", dotted, f"{dotted}.gz"):
        if (directory / candidate).is_file():
            return directory / candidate
    raise FileNotFoundError(f"no {name}.gz")


def _splits(arrays, paths, title, class_names):
    sets = []
    for images, labels, images_path, labels_path in zip(
        arrays[0::2], arrays[1::2], paths[0::2], paths[1::2], strict=True
    ):
        labels = labels.reshape(-1)
        if images.dtype != np.uint8 or images.ndim not in (3, 4) or len(images) != len(labels) or len(labels) == 0:
            raise BrokenFileError(
                f"{str(images_path)!r} must hold uint8 images, as many as {str(labels_path)!r} has labels. "
                f"Received: {images.dtype} of shape {images.shape}, and {len(labels)} labels"
            )
        if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= _NUM_CLASSES:
            raise BrokenFileError(
                f"{str(labels_path)!r} must hold labels from 0 to {_NUM_CLASSES - 1}. "
                f"Received: labels from {labels.min()} to {labels.max()}, {labels.dtype}"
            )
        sets.append(_image_set(images, labels, class_names))
    for other, first in _FIRST_TEST_LABELS.items():
        if other != title and tuple(sets[1].labels[: len(first)]) == first:
            raise FileNotFoundError(f"what is there is {other}")
    return tuple(sets)


def _image_set(images, labels, class_names):
    if images.ndim == 3:
        images = images[..., None]
    return ImageSet(np.ascontiguousarray(images), labels.reshape(-1).astype(np.int64), tuple(class_names))
