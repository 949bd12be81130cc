"""Labelled sets of images in files: four IDX files as MNIST has them, or one npz file with four arrays."""

import zipfile
import zlib

import numpy as np

from keras_vae.data.finding import existing
from keras_vae.data.idx import read_idx
from keras_vae.data.image_set import ImageSet

_NUM_CLASSES = 10

# The files of these sets bear the same names, and a directory may hold either's.
_FIRST_TEST_LABELS = {
    "MNIST": (7, 2, 1, 0, 4, 1, 4, 9, 5, 9),
    "Fashion-MNIST": (9, 2, 1, 1, 6, 1, 4, 6, 5, 7),
}


def read_idx_directory(directory, *, title, class_names):
    """Read the four IDX files of a set, gzipped or plain.

    Parameters
    ----------
    directory : pathlib.Path
        Where `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
        `t10k-labels-idx1-ubyte` are, with or without `.gz`, the first hyphen before `idx` also as a dot.
    title : str
        What the set is called.
    class_names : sequence of str
        The names of its ten classes.

    Returns
    -------
    train, test : ImageSet
        Images of shape (n, height, width, 1).

    Raises
    ------
    FileNotFoundError
        If the directory or a file is not there, or the files are those of another set.
    ValueError
        If a file is broken or two do not belong together; the message names it.
    """
    existing(directory)
    paths = [
        _one_of(directory, f"{split}-{kind}-idx{num_axes}-ubyte")
        for split in ("train", "t10k")
        for kind, num_axes in (("images", 3), ("labels", 1))
    ]
    arrays = [read_idx(path) for path in paths]
    return _splits(arrays, paths, title, class_names)


def read_npz(path, *, title, class_names):
    """Read a set from an npz file with Keras's four arrays: `x_train`, `y_train`, `x_test`, `y_test`.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    title : str
        What the set is called.
    class_names : sequence of str
        The names of its ten classes.

    Returns
    -------
    train, test : ImageSet
        Images of shape (n, height, width, channels).

    Raises
    ------
    FileNotFoundError
        If the file is not there, or holds another set.
    ValueError
        If the file is broken or lacks an array; the message names it.
    """
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
    """Turn what a function of `keras.datasets` returns into the pair that `load` returns.

    Parameters
    ----------
    loaded : tuple
        `(x_train, y_train), (x_test, y_test)`.
    class_names : sequence of str
        The names of the classes.

    Returns
    -------
    train, test : ImageSet
    """
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
