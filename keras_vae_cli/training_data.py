"""The images of a training run."""

import abc
import dataclasses
import math

import numpy as np
import tensorflow as tf

import keras_vae as kv
from keras_vae_cli.arguments import is_folder
from keras_vae_cli.loading import TEST_SEED, load_named, observations

# Test images of a folder that are read for the pictures; of other data sets all are at hand.
_NUM_SHOWN = 1000

_TRAIN_WORDS = {
    "dynamic": "dynamic: drawn afresh in each epoch, one with the grey value as the probability",
    "fixed": f"fixed: drawn once, one with the grey value as the probability, seed {TEST_SEED}",
    "none": "none: grey values in [0, 1]",
}


class TrainingData(abc.ABC):
    """Images to learn from, and others to be tested with."""

    def __init__(self, settings, num_train, num_test, event_shape):
        self.settings = settings
        self.num_train, self.num_test = num_train, num_test
        self.event_shape = tuple(event_shape)

    @property
    def steps_per_epoch(self):
        """The number of batches in an epoch."""
        return -(-self.num_train // self.settings.batch_size)

    class_names: tuple[str, ...] | None = None
    """The names of the classes, where the model is given the class of each image."""

    @abc.abstractmethod
    def pipelines(self, likelihood):
        """Make the batches that a model trains on and is tested with."""

    @abc.abstractmethod
    def shown(self):
        """Return test images for the pictures."""

    def observed(self, likelihood, images):
        """Return test images as the model gets them, the same ones in each run."""
        return observations(likelihood, images, "none" if self.settings.binarize == "none" else "fixed")[0]


class NamedData(TrainingData):
    """A data set with a name, in memory."""

    def __init__(self, settings):
        size = settings.image_size[0] if settings.image_size else None
        self.train, self.test = load_named(settings.dataset, image_size=size, limit=settings.limit)
        settings = with_batch_size(settings, len(self.train))
        super().__init__(settings, len(self.train), len(self.test), self.train.images.shape[1:])
        if settings.condition == "labels":
            numbers = range(1 + max(int(part.labels.max()) for part in (self.train, self.test)))
            self.class_names = self.train.class_names or tuple(map(str, numbers))

    def pipelines(self, likelihood):
        """Make batches from arrays; see `TrainingData`."""
        settings, images = self.settings, self.train.images
        is_dynamic = settings.binarize == "dynamic"
        labels = [part.labels if self.class_names else None for part in (self.train, self.test)]
        train = kv.data.pipeline(
            images if is_dynamic else observations(likelihood, images, settings.binarize)[0],
            batch_size=settings.batch_size,
            binarize="dynamic" if is_dynamic else None,
            shuffle=True,
            seed=settings.seed,
            labels=labels[0],
        )
        test_x = self.observed(likelihood, self.test.images)
        return train, kv.data.pipeline(test_x, batch_size=settings.batch_size, labels=labels[1])

    def shown(self):
        """Return all test images; see `TrainingData`."""
        return self.test.images, self.test.labels, self.test.class_names


class FolderData(TrainingData):
    """A folder of images, read as they are needed."""

    def __init__(self, settings):
        self.size = settings.image_size if len(settings.image_size) == 2 else settings.image_size * 2
        part = {"validation_split": settings.holdout, "channels": settings.channels}
        count = len(kv.data.image_folder(settings.dataset, 1, subset="training", verify=False, **part).files)
        settings = with_batch_size(settings, count)
        self.train, self.test = kv.data.image_folder(
            settings.dataset,
            self.size,
            batch_size=settings.batch_size,
            shuffle=True,
            seed=settings.seed,
            subset="both",
            on_error={"refuse": "raise", "skip": "skip"}[settings.broken_files],
            max_pixels=settings.max_pixels,
            labels=settings.condition == "labels",
            **part,
        )
        self.class_names = getattr(self.train, "class_names", None)
        event_shape = (*self.size, settings.channels)
        super().__init__(settings, len(self.train.files), len(self.test.files), event_shape)

    def pipelines(self, likelihood):
        """Make batches from files; see `TrainingData`."""
        if not likelihood.integer_valued:
            return self.train, self.test
        highest = likelihood.support[1]
        rounded = [data.map(lambda x, *y: (tf.round(highest * x), *y)) for data in (self.train, self.test)]
        rounded[0].epoch = self.train.epoch
        return tuple(rounded)

    def shown(self):
        """Read some test images; see `TrainingData`."""
        settings, files = self.settings, self.test.files
        if len(files) > _NUM_SHOWN:  # spaced evenly: names may go by class
            files = [files[place] for place in np.linspace(0, len(files) - 1, _NUM_SHOWN).round().astype(int)]
        how = {"channels": settings.channels, "max_pixels": settings.max_pixels}
        labels = kv.data.read_labels(settings.dataset, files) or (None, None)
        return kv.data.read_images(settings.dataset, files, self.size, **how), *labels


def load_training_data(settings):
    """Load, or find, the images that the settings name."""
    return FolderData(settings) if is_folder(settings.dataset) else NamedData(settings)


def with_batch_size(settings, num_images):
    """Choose the batch where it was left open: smaller for few images, for an epoch must have some steps."""
    if settings.batch_size is not None:
        return settings
    tenth = 2 ** int(math.log2(max(num_images / 10, 8)))
    return dataclasses.replace(settings, batch_size=min(128, tenth))


def values_in_words(settings):
    """Say what training and test observations are."""
    if settings.likelihood == "categorical":
        words = f"none: whole numbers from 0 to {settings.num_categories - 1}"
        return {"train": words, "test": words}
    test = "none" if settings.binarize == "none" else "fixed"
    words = {"train": _TRAIN_WORDS[settings.binarize], "test": _TRAIN_WORDS[test]}
    if settings.likelihood == "bernoulli" and settings.binarize == "none":
        note = ", with which the Bernoulli's elbo is a cross-entropy and no bound on a density"
        words = {split: said + note for split, said in words.items()}
    return words


def examples(labels, size, number=10):
    """Return rows to show: the first of each class, or the first few."""
    return np.arange(min(number, size)) if labels is None else np.unique(labels, return_index=True)[1]
