"""Batches from a folder of images, streamed."""

import concurrent.futures
import logging
import os
import pathlib
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from keras_vae.core import check_choice, check_integer, check_number, resolve_seed
from keras_vae.data.epochs import batches_of_rows
from keras_vae.data.image_files import (
    MAX_PIXELS,
    BrokenImageError,
    check_image_size,
    find_images,
    is_in_validation,
    read_image,
)
from keras_vae.data.read_labels import LABELS_FILE, read_labels

_logger = logging.getLogger("keras_vae")

# Files whose verification is under way at a time.
_BLOCK = 4096


def image_folder(
    path: str | os.PathLike[str],
    image_size: int | Sequence[int],
    *,
    batch_size: int = 32,
    shuffle: bool = False,
    seed: int | None = None,
    channels: Literal[1, 3] = 3,
    recursive: bool = True,
    validation_split: float | None = None,
    subset: Literal["training", "validation", "both"] | None = None,
    on_error: Literal["raise", "skip"] = "raise",
    verify: bool = True,
    max_pixels: int = MAX_PIXELS,
    drop_remainder: bool = False,
    labels: bool = False,
) -> Any:  # TensorFlow has no types
    """Make a `tf.data.Dataset` of batches from a folder of images, which are read as they are needed.

    Never more than a few batches are in memory. As with `keras_vae.data.pipeline`, the order is a pure function of
    (seed, epoch), and the data set's `epoch` is set by `fit` of this package's models, so that a resumed run continues
    as if it had not been cut.

    Each image is cropped at its centre to the shape wanted and then resized. Photographs are turned as the camera
    says, transparent places become white, and of animations the first picture is taken. Values of more than 8 bits are
    scaled by what the file's bits can hold: 4095 is white with 12 of them, 65,535 with 16. Floats must be from 0 to 1;
    others, and integers of 32 bits, are refused, for no value in them is known to be white.

    Parameters
    ----------
    path : str or os.PathLike
        The folder. Files that end in .avif, .bmp, .gif, .j2k, .jp2, .jpeg, .jpg, .png, .tif, .tiff or .webp are images
        (AVIF needs Pillow 11.3 or later); others and hidden ones are passed over.
    image_size : int or tuple of int
        Side of a square, or height and width.
    batch_size : int
        Examples in a batch, over all replicas.
    shuffle : bool
        Whether each epoch has an order of its own. Validation sets stay in the order of their names.
    seed : int, optional
        Seed of the order; a fresh one by default.
    channels : {1, 3}
        Grey or colour.
    recursive : bool
        Whether folders within the folder are searched too.
    validation_split : float, optional
        About which share of the images is in the validation set. An image's place depends on nothing but its name
        within the folder: further files move none from one set to the other.
    subset : {None, "training", "validation", "both"}
        Which part is wanted, where `validation_split` is given.
    on_error : {"raise", "skip"}
        Whether a broken file is an error that names it, or is left out and named once, as a warning of the logger
        "keras_vae", and counted. A file that breaks later makes its batch shorter by one.
    verify : bool
        Whether each file is read once before anything else: broken files are then found at once and not in the middle
        of an epoch, and each batch but the last is full.
    max_pixels : int
        The most pixels that a file may have, by default 2^26, as many as 8192 x 8192, which take up to 800 MB to
        decode. A file with more counts as broken, and is not decoded.
    drop_remainder : bool
        Whether a short last batch is left out.
    labels : bool
        Whether batches are `(x, labels)`, with the classes that `read_labels` finds, int64 of shape (batch,).

    Returns
    -------
    tf.data.Dataset, or a pair of them for subset="both"
        Batches of shape (batch, height, width, channels), float32, values 0 to 1. The attribute `files` has the names
        of its images within the folder, `epoch` counts the passes, and with labels `class_names` has their names.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If it holds no images, an argument is out of range, a part is empty, or a file is broken.

    Examples
    --------
    >>> train, validation = image_folder("faces", 256, shuffle=True, validation_split=0.1, subset="both", seed=0)
    >>> vae.fit(train, validation_data=validation, epochs=20)
    """
    size = check_image_size(image_size)
    check_choice("channels", channels, (1, 3))
    check_integer("max_pixels", max_pixels, minimum=1)
    check_choice("on_error", on_error, ("raise", "skip"))
    check_choice("subset", subset, (None, "training", "validation", "both"))
    _check_split(validation_split, subset)
    seed = resolve_seed(seed)
    folder = pathlib.Path(path).expanduser()
    found = find_images(folder, recursive)
    parts = _parts(found, validation_split, subset)
    classes = read_labels(folder, found) if labels else None
    if labels and classes is None:
        raise ValueError(
            f"`path` must hold the table {LABELS_FILE}, or two or more folders of images, one for each class, to give "
            f"labels. Received: {str(path)!r}"
        )
    by_file = None if classes is None else dict(zip(found, classes[0], strict=True))

    datasets = []
    for part, files in parts.items():
        reader = _FolderReader(folder, files, size, channels, on_error, max_pixels, by_file)
        if verify:
            reader.verify()
        is_shuffled = shuffle and part != "validation"
        datasets.append(_stream(reader, batch_size, is_shuffled, seed, drop_remainder))
        if classes is not None:
            datasets[-1].class_names = classes[1]
    return tuple(datasets) if subset == "both" else datasets[0]


class _FolderReader:
    """Reads images of a folder by their numbers; a broken one is an error, or is skipped and named once."""

    def __init__(self, path, files, image_size, channels, on_error, max_pixels, labels=None):
        self.path = path
        self.files = tuple(files)
        self.image_size = image_size
        self.channels = channels
        self.on_error = on_error
        self.max_pixels = max_pixels
        self.labels = labels
        self._named = set()

    def verify(self):
        """Read each file once, and keep the good ones."""
        number = len(self.files)
        _logger.info("%s: reading %d image%s, to find broken ones", self.path, number, "s" * (number != 1))
        good = []
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
            for start in range(0, len(self.files), _BLOCK):
                block = self.files[start : start + _BLOCK]
                good.extend(
                    name for name, is_good in zip(block, threads.map(self._is_good, block), strict=True) if is_good
                )
        if not good:
            raise ValueError(
                f"`path` must hold at least one whole image. Received: {str(self.path)!r}, with 0 whole images "
                f"of {len(self.files)}"
            )
        if len(good) < len(self.files):
            _logger.warning("%s: %d of %d images left out", self.path, len(self.files) - len(good), len(self.files))
        self.files = tuple(good)

    def read(self, rows):
        """Return a batch, uint8 of shape (number of good files, height, width, channels), and labels where known."""
        names = [self.files[row] for row in rows]
        images = [self._image(name) for name in names]
        good = [image for image in images if image is not None]
        if not good:
            raise BrokenImageError(
                self.path / self.files[rows[0]], f"a batch of {len(rows)} broken files, this the first"
            )
        if self.labels is None:
            return np.stack(good)
        labels = [self.labels[name] for name, image in zip(names, images, strict=True) if image is not None]
        return np.stack(good), np.array(labels, np.int64)

    def _is_good(self, name):
        return self._image(name) is not None

    def _image(self, name):
        try:
            return read_image(self.path / name, self.image_size, self.channels, self.max_pixels)
        except BrokenImageError as error:
            if self.on_error == "raise":
                raise
            if name not in self._named:
                self._named.add(name)
                _logger.warning("skipped: %s", error)
            return None


def _stream(reader, batch_size, shuffle, seed, drop_remainder):
    @tf.autograph.experimental.do_not_convert
    def load(epoch, step, rows):
        kinds = tf.uint8 if reader.labels is None else (tf.uint8, tf.int64)
        found = tf.numpy_function(reader.read, [rows], kinds, stateful=False)
        images, *labels = [found] if reader.labels is None else found
        x = tf.cast(tf.ensure_shape(images, [None, *reader.image_size, reader.channels]), tf.float32) / 255.0
        return (x, tf.ensure_shape(labels[0], [None])) if labels else x

    dataset = batches_of_rows(
        len(reader.files),
        load,
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed,
        drop_remainder=drop_remainder,
        num_parallel_calls=os.cpu_count() or 2,
    )
    dataset.files = reader.files
    return dataset


def _check_split(validation_split, subset):
    if (validation_split is None) != (subset is None):
        raise ValueError(
            "`validation_split` and `subset` must be given together. "
            f"Received: validation_split={validation_split!r}, subset={subset!r}"
        )
    if validation_split is not None and check_number("validation_split", validation_split, above=0.0) >= 1.0:
        raise ValueError(f"`validation_split` must be < 1. Received: validation_split={validation_split!r}")


def _parts(files, validation_split, subset):
    """Return the names of the files in each part that is wanted."""
    if subset is None:
        return {"all": files}
    parts = {"training": [], "validation": []}
    for name in files:
        parts["validation" if is_in_validation(name, validation_split) else "training"].append(name)
    wanted = parts if subset == "both" else {subset: parts[subset]}
    for part, names in wanted.items():
        if not names:
            raise ValueError(
                f"`validation_split` must leave images for {part}. Received: "
                f"validation_split={validation_split!r} for {len(files)} images"
            )
    return wanted
