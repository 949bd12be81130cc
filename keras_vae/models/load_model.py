"""Models from files that may be broken, or somebody else's."""

import contextlib
import math
import os
import pathlib
import zipfile
from typing import Any

import h5py
import keras
import tensorflow as tf

from keras_vae.core import BrokenFileError, check_claim, check_finite_weights, keras_internals, parse_json
from keras_vae.models.latent_variable_model import LatentVariableModel

MODEL_FILE = "model.keras"

# Weights do not shrink to a hundredth; a file that claims so would fill the memory or the disk.
_MAX_RATIO = 100
_MOST_LAYERS = 2000
_WEIGHTS = "model.weights.h5"


def load_model(
    path: str | os.PathLike[str], *, compile: bool = True, custom_objects: dict[str, Any] | None = None
) -> LatentVariableModel:
    """Load a model that `save` wrote; a file that is broken or holds something else is refused by name.

    Every byte of the content is checked against the file's checksums before it is used, and Keras's safe mode is on: no
    code in the file is run. What the file claims is compared with its size first: a config of 1 MB takes no gigabytes
    before it is refused. The environment variable `KERAS_VAE_MAX_BYTES` says how many bytes are allowed all the same.

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
        If the file is broken, has weights that are not finite, claims more than it can hold, or cannot be made a model
        of.
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
        with _bounded_variables(path, _check_archive(path)):
            model = keras.models.load_model(path, compile=compile, custom_objects=custom_objects, safe_mode=True)
        check_finite_weights(model, "in a file")
    except BrokenFileError:
        raise
    except Exception as error:  # what a broken file raises, from zip, JSON, HDF5 or Keras, has no common class
        raise BrokenFileError(
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
    """Check what a file claims against what it holds, and return the bytes of its weights."""
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > _MAX_RATIO * path.stat().st_size:
            raise ValueError("its members are larger than such a file can hold")
        broken = archive.testzip()
        if broken is not None:
            raise ValueError(f"its member {broken!r} is broken")
        found = archive.namelist()
        if "config.json" in found:
            _check_layers(parse_json(archive.read("config.json"), dict[str, Any], str(path)))
        if _WEIGHTS not in found:
            return 0
        with archive.open(_WEIGHTS) as file, h5py.File(file, "r") as weights:
            _check_arrays(weights, set())
        return archive.getinfo(_WEIGHTS).file_size


def _check_layers(config):
    """Refuse more layers than any network has: each costs milliseconds."""
    count, left = 0, [config]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            count += isinstance(part.get("config"), dict) and "trainable" in part["config"]
            left += part.values()
        elif isinstance(part, list):
            left += part
    if count > _MOST_LAYERS:
        raise ValueError(f"it has {count:,} layers, and {_MOST_LAYERS:,} are allowed")


def _check_arrays(group, seen):
    """Refuse arrays that promise more than the file holds, or that lie in another file."""
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"its array {name!r} is a link")
        item = group[name]
        if isinstance(item, h5py.Group):
            address = h5py.h5o.get_info(item.id).addr
            if address not in seen:
                seen.add(address)
                _check_arrays(item, seen)
        elif item.external or item.is_virtual or item.nbytes > item.id.get_storage_size():
            raise ValueError(f"its array {name!r} promises {item.nbytes:,} bytes, which it does not hold")


@contextlib.contextmanager
def _bounded_variables(path, held):
    """Refuse variables that take more than the file can have for them, before they take it."""
    total = 0

    def creator(next_creator, **kwargs):
        nonlocal total
        shape = keras_internals.shape_to_be(kwargs["initial_value"])
        total += 4 * math.prod(shape or ())
        check_claim(path, total, held, "the variables of its config")
        return next_creator(**kwargs)

    with tf.variable_creator_scope(creator):
        yield


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
