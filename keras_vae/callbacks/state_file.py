"""The state of a training run, as members of the `.keras` file that holds its model."""

import io
import json
import zipfile

import numpy as np

_STATE, _ARRAYS = "training_state.json", "training_state.npz"
_VERSION = 1


def append_state(path, state):
    """Add a state to a `.keras` file; Keras loads the model in it as before.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    state : dict
        Numbers, strings, None, arrays and NumPy's scalars, and lists and dicts of them.
    """
    arrays = []
    content = {"version": _VERSION, "state": _without_arrays(state, arrays)}
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(_STATE, json.dumps(content))
        if arrays:
            buffer = io.BytesIO()
            np.savez(buffer, **{str(number): array for number, array in enumerate(arrays)})
            archive.writestr(_ARRAYS, buffer.getvalue())


def read_state(path):
    """Read what `append_state` wrote.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If there is none, or a later version of the package wrote it.
    """
    with zipfile.ZipFile(path) as archive:
        if _STATE not in archive.namelist():
            raise ValueError(f"A checkpoint must hold the state of its run. Received: {str(path)!r}, a model alone")
        content = json.loads(archive.read(_STATE))
        if content["version"] > _VERSION:
            raise ValueError(
                f"A checkpoint's version must be <= {_VERSION} for this version of keras_vae; upgrade it. "
                f"Received: {str(path)!r}, version {content['version']}"
            )
        arrays = {}
        if _ARRAYS in archive.namelist():
            with np.load(io.BytesIO(archive.read(_ARRAYS)), allow_pickle=False) as stored:
                arrays = dict(stored)
    return _with_arrays(content["state"], arrays)


def _without_arrays(value, arrays):
    """Replace what is NumPy's by numbers, and collect it."""
    if isinstance(value, dict):
        return {name: _without_arrays(part, arrays) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_arrays(part, arrays) for part in value]
    if isinstance(value, (np.ndarray, np.generic)):
        arrays.append(value)
        return {"array": len(arrays) - 1}
    return value


def _with_arrays(value, arrays):
    if isinstance(value, dict):
        if set(value) == {"array"}:
            return arrays[str(value["array"])][()]  # of no dimensions: a scalar again
        return {name: _with_arrays(part, arrays) for name, part in value.items()}
    return [_with_arrays(part, arrays) for part in value] if isinstance(value, list) else value
