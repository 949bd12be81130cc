"""An evaluation: from a model's file and the name of a data set to numbers."""

import datetime
import json

import keras_vae as kv
from keras_vae_cli.image_sources import load_images
from keras_vae_cli.loading import load_model
from keras_vae_cli.observations import observations
from keras_vae_cli.versions import versions
from keras_vae_cli.wording import is_folder


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
        split = f"{self.about['split']} " if "split" in self.about else ""
        return (
            f"Evaluating {self.about['model']} on {len(self.x):,} {split}images of {self.about['dataset']}, {size}; "
            f"values {self.about['values']}"
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


def prepare(model, dataset, *, split="test", binarize="auto", limit=None):
    """Load model and data and fit the one to the other.

    Parameters
    ----------
    model : str
        Its file, a run's directory, or the name of a pretrained one.
    dataset : str
        A name that `keras_vae.data.load` knows, or a folder (with a slash).
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
    vae = load_model(model)
    images = load_images([dataset], vae.event_shape, split=split, limit=limit)
    x, values = observations(vae.likelihood, images, binarize)
    # Of a folder all images are taken, and there is no split to speak of.
    about = {"model": str(model), "dataset": dataset, **({} if is_folder(dataset) else {"split": split})}
    return EvaluationRun(vae, x, {**about, "values": values})
