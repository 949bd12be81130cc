"""What models, data sets, folders and files are called, found without starting TensorFlow."""

import difflib
import os
import pathlib

from keras_vae_cli.command import Mistake
from keras_vae_cli.run_directory import UNFINISHED

MODEL_FILE, CONFIG_FILE = "model.keras", "config.toml"
DATASETS = ("cartoon_faces", "cifar10", "digits", "fashion_mnist", "mnist")
MODELS_VARIABLE = "KERAS_VAE_MODELS"


def locate(model):
    """Find the file of a model: of a file, the directory of a run, or the name of a pretrained one."""
    path = pathlib.Path(model).expanduser()
    if path.is_file():
        return path
    if (path / MODEL_FILE).is_file():
        return path / MODEL_FILE
    unfinished = path / UNFINISHED / MODEL_FILE
    if unfinished.is_file():
        raise Mistake(f"`MODEL` must be a finished run; of this one there is {unfinished}. Received: {model!r}")
    if path.exists():
        raise Mistake(f"`MODEL` must be a directory with a {MODEL_FILE}. Received: {model!r}")
    pretrained = pretrained_models()
    if model in pretrained:
        return pretrained[model] / MODEL_FILE
    if path.suffix == ".keras":
        raise Mistake(f"No such file: {model!r}")
    if _has_slash(model):
        raise Mistake(f"No such run: {model!r}")
    known = ", ".join(pretrained) or "none"
    raise Mistake(f"No such model: {model!r}.{did_you_mean(model, pretrained)} The pretrained models here: {known}")


def pretrained_models():
    """Return the directory of each pretrained model, as `keras_vae.pretrained.available` does."""
    named = os.environ.get(MODELS_VARIABLE)
    places = [pathlib.Path("saved_models"), pathlib.Path(__file__).parents[1] / "saved_models"]
    found = {}
    for place in [pathlib.Path(named), *places] if named else places:
        for path in sorted(place.glob(f"*/{MODEL_FILE}")):
            found.setdefault(path.parent.name, path.parent)
    return found


def is_folder(dataset):
    """Return whether a name that `check_dataset` has returned is that of a folder."""
    return _has_slash(dataset)


def check_dataset(name):
    """Return the name of a data set as it is, and that of a folder with a slash, so that it is found from everywhere.

    A name without a slash is that of a data set where there is one, else that of a folder.
    """
    path = pathlib.Path(name).expanduser()
    if name in DATASETS:
        return name
    if (path / MODEL_FILE).is_file():
        raise Mistake(
            f"`DATASET` must be a folder of images. Received: {name!r}, the directory of a run. To train a run's model "
            "further, name it by --start-from, or give the run's own command again with more --epochs"
        )
    if path.is_dir():
        return str(path.resolve())
    if path.exists():
        raise Mistake(f"`DATASET` must be the name of a data set or a folder. Received: {name!r}, a file")
    if _has_slash(name):
        raise Mistake(f"No such folder: {name!r}")
    raise Mistake(f"No such data set or folder: {name!r}.{did_you_mean(name, DATASETS)} Data sets: {_known()}")


def check_images(name):
    """Return a source of images: a file as it is, and what `check_dataset` returns."""
    path = pathlib.Path(name).expanduser()
    if path.is_file():
        return name
    if path.exists() or name in DATASETS:
        return check_dataset(name)
    if path.suffix:
        raise Mistake(f"No such file: {name!r}")
    if _has_slash(name):
        raise Mistake(f"No such file or folder: {name!r}")
    raise Mistake(f"No such data set, folder or file: {name!r}.{did_you_mean(name, DATASETS)} Data sets: {_known()}")


def did_you_mean(word, known):
    """Return a question that names what is near to a word, with a space before it; or nothing."""
    near = difflib.get_close_matches(word, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _known():
    return ", ".join(DATASETS)


def _has_slash(name):
    return "/" in name or os.sep in name
