"""Models and images by the names that users give, and the values that a likelihood takes and gives."""

import pathlib

import numpy as np

import keras_vae as kv
from keras_vae_cli.model_argument import MODEL_FILE, locate
from keras_vae_cli.settings import is_folder

# One set of binary test images for all runs, whatever their seed: their numbers can be compared.
TEST_SEED = 777


def path_of(model):
    return locate(model) or kv.pretrained.find(model) / MODEL_FILE


def load_model(model):
    """Load a model, not compiled, from its file, a run's directory, or by the name of a pretrained one."""
    return kv.load_model(path_of(model), compile=False)


def load_named(name, *, image_size=None, limit=None):
    """Load a data set by its name, with at most `limit` training images: that many where they are drawn."""
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
    """Load images of a model's shape from data sets, folders (with a slash) and files: uint8."""
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
    """Load some images of a data set or a folder by their numbers from 0: uint8."""
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


def observations(likelihood, images, binarize="auto"):
    """Make of 8-bit images what a likelihood takes, and return it with words for what that is."""
    is_binary = likelihood.is_discrete and not likelihood.integer_valued
    if binarize == "fixed" or (binarize == "auto" and is_binary):
        x, values = kv.data.binarize(images, TEST_SEED), f"drawn once as 0 or 1, seed {TEST_SEED}"
    elif likelihood.integer_valued:
        levels = likelihood.num_categories
        x, values = np.round(images * ((levels - 1) / 255)).astype(np.int32), f"whole numbers from 0 to {levels - 1}"
        if likelihood.x_shape != likelihood.event_shape:
            x = np.eye(levels, dtype=np.float32)[x]
    else:
        x, values = images.astype(np.float32) / np.float32(255), "grey, in [0, 1]"
    if x[0].size == np.prod(likelihood.x_shape):
        x = x.reshape(-1, *likelihood.x_shape)  # a model of vectors takes images too
    return x, values


def grey_values(likelihood, means):
    """Bring a likelihood's means to grey or colour values from 0 to 1, whatever its observations are."""
    means = np.asarray(means, np.float32)
    if likelihood.integer_valued:
        if likelihood.x_shape != likelihood.event_shape:
            means = means @ np.arange(likelihood.num_categories, dtype=np.float32)
        means = means / np.float32(likelihood.num_categories - 1)
    return np.clip(means, 0.0, 1.0)
