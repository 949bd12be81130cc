"""Images by the name of a data set, from a folder, or from files."""

import pathlib

import numpy as np

import keras_vae as kv
from keras_vae_cli.wording import is_folder


def load_named(name, *, image_size=None, limit=None):
    """Load a data set by its name.

    Parameters
    ----------
    name : str
        One that `keras_vae.data.load` knows.
    image_size : int, optional
        The side of cartoon faces.
    limit : int, optional
        The most training images; how many, where there is no end of them.

    Returns
    -------
    train, test : keras_vae.data.ImageSet

    Raises
    ------
    ValueError
        If there is no data set of this name; the message says how a folder of that name is meant.
    DataNotFoundError
        If the data set is nowhere to be had.
    """
    options = {}
    if name == "cartoon_faces":
        options = {"image_size": image_size, "num_train": limit} if limit else {"image_size": image_size}
    try:
        train, test = kv.data.load(name, **options)
    except ValueError as error:
        if pathlib.Path(name).is_dir():
            raise ValueError(f"{error}. A folder of images must have a slash: {name}/") from error
        raise
    return train if limit is None else train.first(limit), test


def load_images(sources, event_shape, *, split="test", limit=None):
    """Load images for a model, whatever they are given by.

    Parameters
    ----------
    sources : sequence of str
        Names of data sets, folders (with a slash) and image files.
    event_shape : tuple of int
        The model's. Files are cropped at their centre and resized to it.
    split : {"train", "test"}
        Which part of data sets with a name; of folders all images are taken.
    limit : int, optional
        The most images.

    Returns
    -------
    numpy.ndarray
        Shape (n, height, width, channels), uint8.

    Raises
    ------
    ValueError
        If a source is none, a file is broken, or images differ in shape.
    DataNotFoundError
        If a data set is nowhere to be had.
    """
    arrays, missing = [], limit
    for source in sources:
        arrays.append(_one_source(source, event_shape, split, slice(None, missing)))
        missing = None if limit is None else missing - len(arrays[-1])
        if missing == 0:
            break
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) > 1:
        raise ValueError(f"`images` must all be of one shape. Received: {sorted(shapes)}")
    return np.concatenate(arrays)


def load_rows(source, rows, event_shape, *, split="test"):
    """Load some images of a data set or a folder.

    Parameters
    ----------
    source : str
        The name of a data set, or a folder (with a slash).
    rows : sequence of int
        Which, from 0; of a folder in the order of the files' names.
    event_shape : tuple of int
        The model's.
    split : {"train", "test"}
        Which part of a data set with a name.

    Returns
    -------
    numpy.ndarray
        Shape (len(rows), height, width, channels), uint8.

    Raises
    ------
    ValueError
        If there is no image of a number, or a file is broken.
    """
    return _one_source(source, event_shape, split, list(rows))


def _one_source(source, event_shape, split, rows):
    path = pathlib.Path(source).expanduser()
    if path.is_file() or is_folder(source):
        size, channels = _size_and_channels(event_shape)
        if path.is_file():
            return kv.data.read_images(path.parent, [path.name], size, channels=channels)
        files = kv.data.image_folder(path, size, channels=channels, verify=False).files
        return kv.data.read_images(path, _some(np.array(files), rows, source), size, channels=channels)
    # No training faces are drawn where test faces are wanted.
    train, test = load_named(source, image_size=event_shape[0], limit=1 if split == "test" else None)
    return _some({"train": train, "test": test}[split].images, rows, source)


def _some(items, rows, source):
    if not isinstance(rows, slice) and max(rows) >= len(items):
        raise ValueError(f"Images of {source} must be numbered from 0 to {len(items) - 1}. Received: {max(rows)}")
    return items[rows]


def _size_and_channels(event_shape):
    if len(event_shape) != 3 or event_shape[2] not in (1, 3):
        raise ValueError(
            "The model must be one of images, grey or in colour, to take files. "
            f"Received: a model with event_shape={tuple(event_shape)}"
        )
    return event_shape[:2], event_shape[2]
