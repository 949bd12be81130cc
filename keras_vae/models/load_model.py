"""Models from files that may be broken, or somebody else's."""

import os
import pathlib
import zipfile
from typing import Any

import keras

from keras_vae.models.latent_variable_model import LatentVariableModel

MODEL_FILE = "model.keras"

# Weights do not shrink to a hundredth; a file that claims so would fill the memory or the disk.
_MAX_RATIO = 100


def load_model(
    path: str | os.PathLike[str], *, compile: bool = True, custom_objects: dict[str, Any] | None = None
) -> LatentVariableModel:
    """Load a model that `save` wrote; a file that is broken or holds something else is refused by name.

    Every byte of the content is checked against the file's checksums before it is used, and Keras's safe mode is on: no
    code in the file is run.

    Parameters
    ----------
    path : str or pathlib.Path
        A `.keras` file, or the directory of a run, which holds `model.keras`.
    compile : bool
        Whether the model comes back compiled, with the state of its optimizer, if it was saved so.
    custom_objects : dict, optional
        Classes of trunks by name, where they are not registered with Keras.

    Returns
    -------
    LatentVariableModel

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is broken or cannot be made a model of.
    TypeError
        If it holds a model of another package.

    Examples
    --------
    >>> vae = keras_vae.load_model("fashion.keras")
    >>> vae = keras_vae.load_model("runs/fashion")
    """
    path = _in_run(pathlib.Path(path)) if os.path.isdir(path) else pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"`path` must be a `.keras` file or the directory of a run. Received: {str(path)!r}, where there is neither"
        )
    try:
        _check_archive(path)
        model = keras.models.load_model(path, compile=compile, custom_objects=custom_objects, safe_mode=True)
    except Exception as error:  # what a broken file raises, from zip, JSON, HDF5 or Keras, has no common class
        raise ValueError(
            f"`path` must be a `.keras` file that `save` wrote. Received: {str(path)!r} ({_reason(error)})"
        ) from error
    if not isinstance(model, LatentVariableModel):
        raise TypeError(f"`path` must hold a model of keras_vae. Received: {str(path)!r}, a {type(model).__name__}")
    return model


def _in_run(directory):
    """Return the model in the directory of a run; the models of runs that have not ended are named, and not taken."""
    if (directory / MODEL_FILE).is_file():
        return directory / MODEL_FILE
    unfinished = directory / "unfinished"
    found = [str(unfinished / name) for name in (MODEL_FILE, "last.keras") if (unfinished / name).is_file()]
    hint = f"; of the run that has not ended there is {found[0]}" if found else ""
    raise FileNotFoundError(
        f"`path` must be a `.keras` file or the directory of a run, with a {MODEL_FILE}. "
        f"Received: {str(directory)!r}, where there is none{hint}"
    )


def _check_archive(path):
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > _MAX_RATIO * path.stat().st_size:
            raise ValueError("its members are larger than such a file can hold")
        broken = archive.testzip()
    if broken is not None:
        raise ValueError(f"its member {broken!r} is broken")


def _reason(error):
    """Return the first sentence of what went wrong, without the config that Keras prints after it."""
    text = f"no {error}" if isinstance(error, KeyError) else str(error)
    text = text.split("Exception encountered:")[-1].strip() or type(error).__name__
    reason = text.splitlines()[0].split(". ")[0][:200]
    if "Could not locate" in reason:
        return f"{reason.removesuffix('.')}: pass it in `custom_objects`, or import what registers it with Keras first"
    if "Lambda" in reason:
        return f"{reason}: Keras's own `load_model` runs such code, of a file that you trust, with its safe mode off"
    return reason
