"""Models and images by the names that users give, and the values that a likelihood takes and gives."""

import concurrent.futures
import dataclasses
import os
import pathlib

import numpy as np

import keras_vae as kv
from keras_vae_cli.arguments import CONFIG_FILE, MODEL_FILE, is_folder, locate
from keras_vae_cli.command import Mistake
from keras_vae_cli.config_file import read_settings
from keras_vae_cli.options import MAX_PIXELS
from keras_vae_cli.run_directory import CHECKPOINTS
from keras_vae_cli.screen import Bar, counted, say

# One set of binary test images for all runs, whatever their seed: their numbers can be compared.
TEST_SEED = 777

_BLOCK = 64  # files that are read between two moves of the bar
_BAR_FROM = 256  # files


class Trained:
    """A model with the settings of its run, where it has them; not compiled."""

    def __init__(self, name):
        self.path = locate(name)
        try:
            self.vae = kv.load_model(self.path, compile=False)
        except (TypeError, ValueError) as error:
            raise type(error)(str(error).replace("`path`", "`MODEL`", 1)) from error
        self.settings = self._read_settings(self.path.parent / CONFIG_FILE)

    def _read_settings(self, config):
        """Read the settings of the model's run; beside a file of another name a config may be anything's."""
        if self.path.name not in (MODEL_FILE, *CHECKPOINTS) or not config.is_file():
            return None
        try:
            return read_settings(config)
        except Mistake as mistake:
            raise Mistake(mistake.message.replace("`--config`", "The config of a run")) from mistake

    def sources_or_own(self, sources):
        """Return sources of images, or where there are none the data set that the run was trained on."""
        if sources:
            return sources
        if self.settings is None:
            raise ValueError(
                "`images` must be given for a model without the config.toml of its run beside it. Received: none"
            )
        return [self.settings.dataset]

    def observations(self, images, binarize="auto"):
        """Make of 8-bit images what the likelihood takes, as the run did, and return it with words for what that is."""
        likelihood, words = self.vae.likelihood, ""
        if binarize == "auto":
            is_binary = likelihood.is_discrete and not likelihood.integer_valued
            if self.settings is not None and is_binary:
                is_binary, words = self.settings.binarize != "none", ", as the run was trained"
            binarize = "fixed" if is_binary else "none"
        x, values = observations(likelihood, images, binarize)
        return x, values + words

    def given(self, x, images):
        """Return what the model takes: x, and the class of each image where it is given that."""
        if self.vae.condition is None:
            return x
        if not isinstance(self.vae.condition, kv.conditions.Labels):
            kind = type(self.vae.condition).__name__
            raise ValueError(f"`MODEL` must have no condition or that of classes, Labels. Received: {kind}")
        if images.classes is None:
            raise ValueError(
                "`IMAGES` must be a data set, a folder of class folders, or one with a table labels.csv: the model is "
                "given the class of each image. Received: images without classes"
            )
        return {"x": x, "condition": self.vae.condition.raw(images.classes)}


@dataclasses.dataclass(frozen=True, eq=False)
class Images:
    """Images with their names: of files those within their folder, of data sets their numbers."""

    pixels: np.ndarray  # uint8, (n, height, width, channels)
    names: tuple[str, ...]
    classes: tuple[str, ...] | None  # the name of each image's class
    total: int  # how many there were to choose from
    skipped: int = 0  # files that could not be read
    words: str = ""  # where they come from
    has_split: bool = False  # whether they are the test or the train images of something

    def __len__(self):
        return len(self.pixels)

    def in_words(self):
        """Say how many they are, and of what."""
        number = counted(len(self), "image")
        return f"{number if len(self) == self.total else f'{number} of {self.total:,}'}, {self.words}"

    def unique_names(self):
        """Return names for files of another ending: without the old one where that leaves them different."""
        names = [str(pathlib.PurePath(name).with_suffix("")) for name in self.names]
        twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
        whole = [own if name in twice else name for own, name in zip(self.names, names, strict=True)]
        if len(set(whole)) == len(whole):
            return whole
        return [f"{number:04}_{name}" for number, name in enumerate(whole)]


def load_named(name, *, image_size=None, limit=None):
    """Load a data set by its name, with at most `limit` training images: that many where they are drawn."""
    options = {}
    if name == "cartoon_faces":
        options = {"image_size": image_size, "num_train": limit} if limit else {"image_size": image_size}
    train, test = kv.data.load(name, **options)
    return train if limit is None else train.first(limit), test


def load_images(trained, sources, *, split=None, limit=None, spaced=False, broken_files=None, max_pixels=None):
    """Load images of a model's shape from data sets, folders and files; without sources from the run's own data set.

    At most `limit` are taken, the first ones; if `spaced`, of a folder those that are spaced evenly. Without a split
    they are the test images of a data set, and all of a folder that is named.
    """
    parts, missing = [], limit
    how = _Reading(trained, split if sources else split or "test", broken_files, max_pixels, spaced)
    sources = trained.sources_or_own(sources)
    for source in sources:
        parts.append(_one_source(trained, source, slice(None, missing), how))
        missing = None if limit is None else missing - len(parts[-1])
        if missing == 0:
            break
    shapes = {part.pixels.shape[1:] for part in parts}
    if len(shapes) > 1:
        raise ValueError(f"`images` must all be of one shape. Received: {sorted(shapes)}")
    if len(parts) == 1:
        return parts[0]
    return Images(
        np.concatenate([part.pixels for part in parts]),
        tuple(name for part in parts for name in part.names),
        None,
        sum(part.total for part in parts),
        sum(part.skipped for part in parts),
        ", ".join(part.words for part in parts),
    )


def load_rows(trained, source, rows, *, split="test", max_pixels=None):
    """Load some images of a data set or a folder by their numbers from 0."""
    return _one_source(trained, source, list(rows), _Reading(trained, split, "refuse", max_pixels))


class _Reading:
    """How images are read: what is not said is as the run was trained."""

    def __init__(self, trained, split, broken_files, max_pixels, spaced=False):
        self.split, self.spaced = split, spaced
        self.skips = (broken_files or getattr(trained.settings, "broken_files", None)) == "skip"
        self.max_pixels = max_pixels or getattr(trained.settings, "max_pixels", None) or MAX_PIXELS


def _one_source(trained, source, rows, how):
    path, shape = pathlib.Path(source).expanduser(), trained.vae.event_shape
    if path.is_file():
        return _read(path.parent, [path.name], shape, how, words=source)
    if is_folder(source):
        size, channels = _size_and_channels(shape)
        part, words = _own_part(trained, path, how.split)
        files = kv.data.image_folder(path, size, channels=channels, verify=False, **part).files
        if how.spaced and rows.stop is not None and rows.stop < len(files):
            rows = np.linspace(0, len(files) - 1, rows.stop).round().astype(int).tolist()
        chosen = _some(files, rows, source)
        read = _read(path, chosen, shape, how, words=words + source)
        labels = kv.data.read_labels(path, read.names)
        classes = tuple(labels[1][label] for label in labels[0]) if labels else None
        total = len(files) if len(chosen) < len(files) else len(read)
        return dataclasses.replace(read, classes=classes, total=total, has_split=bool(part))
    # No training faces are drawn where test faces are wanted.
    split = how.split or "test"
    train, test = load_named(source, image_size=shape[0], limit=1 if split == "test" else None)
    chosen = {"train": train, "test": test}[split]
    numbers = _some(range(len(chosen)), rows, source)
    classes = tuple(chosen.class_names[label] for label in chosen.labels[numbers]) if chosen.class_names else None
    names = tuple(f"{number:0{len(str(len(chosen) - 1))}}" for number in numbers)  # sort in their order
    words = f"the {split} set of {source}"
    return Images(chosen.images[numbers], names, classes, len(chosen), words=words, has_split=True)


def _own_part(trained, folder, split):
    """Choose the part of the folder that a run was trained, or tested, on; of another folder all are taken."""
    settings = trained.settings
    if (
        split is None
        or settings is None
        or not is_folder(settings.dataset)
        or pathlib.Path(settings.dataset) != folder.resolve()
    ):
        return {}, ""
    subset = {"test": "validation", "train": "training"}[split]
    return {"validation_split": settings.holdout, "subset": subset}, f"the {split} images of "


def _read(folder, files, shape, how, *, words):
    """Read files, many at a time; broken ones are refused, or passed over and counted."""
    size, channels = _size_and_channels(shape)
    options = {"channels": channels, "max_pixels": how.max_pixels}

    def read(name):
        try:
            return kv.data.read_images(folder, [name], size, **options)[0]
        except kv.data.BrokenImageError:
            if not how.skips:
                raise
            return None

    good, names = [], []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        bar = Bar("reading images", len(files)) if len(files) >= _BAR_FROM else None
        try:
            for start in range(0, len(files), _BLOCK):
                block = files[start : start + _BLOCK]
                for name, image in zip(block, threads.map(read, block), strict=True):
                    if image is not None:
                        good.append(image)
                        names.append(name)
                if bar is not None:
                    bar.to(start + len(block))
        finally:
            if bar is not None:
                bar.close()
    skipped = len(files) - len(good)
    if skipped:
        say(f"{counted(skipped, 'file')} of {len(files):,} in {folder} left out: no whole images")
    if not good:
        raise ValueError(f"`images` must hold at least one whole image. Received: {str(folder)!r}, where none is whole")
    return Images(np.stack(good), tuple(names), None, len(good), skipped, words)


def _some(items, rows, source):
    items = np.array(items)
    if not isinstance(rows, slice) and max(rows) >= len(items):
        raise ValueError(f"Images of {source} must be numbered from 0 to {len(items) - 1}. Received: {max(rows)}")
    return items[rows].tolist()


def _size_and_channels(event_shape):
    if len(event_shape) != 3 or event_shape[2] not in (1, 3):
        raise ValueError(
            "The model must be one of images, grey or in colour, to take files. "
            f"Received: a model with event_shape={tuple(event_shape)}"
        )
    return event_shape[:2], event_shape[2]


def observations(likelihood, images, binarize):
    """Make of 8-bit images what a likelihood takes, and return it with words for what that is."""
    if binarize == "fixed":
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
