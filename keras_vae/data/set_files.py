"""Labelled sets of images in files: four IDX files as MNIST has them, or one npz file with four arrays."""

import gzip
import math
import pathlib
import struct
import zipfile
import zlib

import numpy as np

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
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            arrays = [arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")]
    except (EOFError, KeyError, OSError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
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
            raise ValueError(
                f"{str(images_path)!r} must hold uint8 images, as many as {str(labels_path)!r} has labels. "
                f"Received: {images.dtype} of shape {images.shape}, and {len(labels)} labels"
            )
        if labels.min() < 0 or labels.max() >= _NUM_CLASSES:
            raise ValueError(
                f"{str(labels_path)!r} must hold labels from 0 to {_NUM_CLASSES - 1}. "
                f"Received: labels from {labels.min()} to {labels.max()}"
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
