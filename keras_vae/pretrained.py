"""Models that were trained before, by name: `saved_models/<name>/model.keras` with its card beside it."""

import os
import pathlib

from keras_vae.models import LatentVariableModel, load_model

__all__ = ["available", "find", "load_pretrained"]

ENVIRONMENT_VARIABLE = "KERAS_VAE_MODELS"
MODEL_FILE = "model.keras"
CARD_FILE = "README.md"


def load_pretrained(name: str) -> LatentVariableModel:
    """Load a pretrained model.

    Parameters
    ----------
    name : str
        One of the names that `available()` returns.

    Returns
    -------
    keras_vae.models.LatentVariableModel
        Compiled as it was trained.

    Raises
    ------
    FileNotFoundError
        If there is none of that name; the message names the places and the names that exist.
    ValueError, TypeError
        If the file is broken, or holds another kind of model.

    Examples
    --------
    >>> vae = load_pretrained("fashion_mnist_2d")
    >>> vae.generate(16, seed=0).shape
    (16, 28, 28, 1)
    """
    return load_model(find(name) / MODEL_FILE)


def available() -> dict[str, pathlib.Path]:
    """Return the pretrained models that are available here.

    Returns
    -------
    dict
        From each name to the directory (a `pathlib.Path`) of its model, its card and its exports; where a name is in
        several places, the first place counts.
    """
    found: dict[str, pathlib.Path] = {}
    for place, _ in _places():
        for path in sorted(place.glob(f"*/{MODEL_FILE}")) if place else ():
            found.setdefault(path.parent.name, path.parent)
    return found


def find(name: str) -> pathlib.Path:
    """Return the directory of a pretrained model.

    Parameters
    ----------
    name : str
        One of the names that `available()` returns.

    Returns
    -------
    pathlib.Path
        Which holds `model.keras`, the card `README.md`, and a SavedModel for each version that was exported.

    Raises
    ------
    FileNotFoundError
        If there is none of that name; the message names the places and the names that exist.
    """
    found = available()
    if name not in found:
        names = ", ".join(map(repr, found)) or "there is none"
        looked = "; ".join(words for _, words in _places())
        raise FileNotFoundError(
            f"`name` must be a pretrained model: {names}. Looked in: {looked}. Received: name={name!r}"
        )
    return found[name]


def _places():
    """Return pairs of a directory, None where it is not set, and of what it is, in the order of looking."""
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    here, checkout = pathlib.Path("saved_models"), pathlib.Path(__file__).parents[1] / "saved_models"
    return [
        (pathlib.Path(named) if named else None, f"${ENVIRONMENT_VARIABLE} ({named or 'not set'})"),
        (here, f"./saved_models ({_state(here)})"),
        (checkout, f"the source checkout's {checkout} ({_state(checkout)})"),
    ]


def _state(directory):
    return "a directory" if directory.is_dir() else "not there"
