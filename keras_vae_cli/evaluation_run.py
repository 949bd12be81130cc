"""An evaluation: from a model's file and the name of a data set to numbers."""

import datetime
import json
import zipfile

import keras
import numpy as np

import keras_vae as kv
from keras_vae_cli.training_run import TEST_SEED
from keras_vae_cli.versions import versions


class EvaluationRun:
    """A model and the observations that it is evaluated on.

    Parameters
    ----------
    vae : keras_vae.models.LatentVariableModel
        The model.
    x : numpy.ndarray
        The observations.
    about : dict
        What they are, for the record.
    """

    def __init__(self, vae, x, about):
        self.vae, self.x, self.about = vae, x, about

    def announcement(self):
        """Say what is evaluated.

        Returns
        -------
        str
        """
        size = " x ".join(map(str, self.x.shape[1:]))
        return (
            f"Evaluating {self.about['model']} on {len(self.x):,} {self.about['split']} images of "
            f"{self.about['dataset']}, {size}; values {self.about['values']}"
        )

    def evaluate(self, **options):
        """Evaluate.

        Parameters
        ----------
        **options
            Of `keras_vae.evaluation.evaluate_vae`.

        Returns
        -------
        keras_vae.evaluation.Evaluation
        """
        return kv.evaluation.evaluate_vae(self.vae, self.x, **options)

    def write(self, found, path):
        """Write the numbers, and what they are of, to a file that is whole or not there.

        Parameters
        ----------
        found : keras_vae.evaluation.Evaluation
            The numbers.
        path : pathlib.Path
            Where to.
        """
        date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        record = {**found.to_dict(), **self.about, "versions": versions(), "date": date}
        with kv.core.atomic_write(path) as aside:
            aside.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def prepare(path, dataset, *, split="test", binarize="auto", limit=None):
    """Load model and data and fit the one to the other.

    Parameters
    ----------
    path : pathlib.Path
        The model's file.
    dataset : str
        A name that `keras_vae.data.load` knows.
    split : {"train", "test"}
        Which images.
    binarize : {"auto", "fixed", "none"}
        Whether they are drawn as binary ones.
    limit : int, optional
        The most images.

    Returns
    -------
    EvaluationRun

    Raises
    ------
    TypeError
        If the file holds another model.
    ValueError
        If the file is no model, or the images do not suit it.
    DataNotFoundError
        If the data set is nowhere to be had.
    """
    images = dict(zip(("train", "test"), kv.data.load(dataset), strict=True))[split]
    images = images.images if limit is None else images.first(limit).images
    vae = _load(path)
    x, values = _observations(vae.likelihood, images, binarize)
    return EvaluationRun(vae, x, {"model": str(path), "dataset": dataset, "split": split, "values": values})


def _load(path):
    try:
        vae = keras.models.load_model(path, compile=False)
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].split(". ")[0]
        raise ValueError(f"`MODEL` must be a model that `save` wrote. Received: {str(path)!r} ({reason})") from error
    if not isinstance(vae, kv.models.LatentVariableModel):
        raise TypeError(f"`MODEL` must be a model of keras_vae. Received: {str(path)!r}, a {type(vae).__name__}")
    return vae


def _observations(likelihood, images, binarize):
    """Make of 8-bit images what the likelihood takes, and say what that is."""
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
