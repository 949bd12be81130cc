"""The state of a training run: what callbacks have counted, and members of a `.keras` file that hold it all."""

import io
import json
import logging
import zipfile
import zlib
from typing import Any

import keras
import numpy as np
import pydantic

from keras_vae.core import BrokenFileError, check_content, parse_json, printable, read_npz

_logger = logging.getLogger("keras_vae")

_STATE, _ARRAYS = "training_state.json", "training_state.npz"
_VERSION = 1

# Keras's callbacks start over in each `fit`; these attributes are what they have counted.
_ATTRIBUTES = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch", "best_weights"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "cooldown_counter", "best"),
    keras.callbacks.ModelCheckpoint: ("best",),
}


def states_of(callbacks):
    """Return what callbacks have counted: for each that counts its "class", a name, and its "state".

    Callbacks are Keras's, or others with methods `get_state()` and `set_state(state)`. A state holds numbers, strings,
    None, arrays, and lists and dicts of them.
    """
    states = []
    for callback in callbacks:
        names = _attributes(callback)
        if hasattr(callback, "get_state"):
            states.append({"class": type(callback).__name__, "state": callback.get_state()})
        elif names:
            state = {name: getattr(callback, name, None) for name in names}
            states.append({"class": type(callback).__name__, "state": state})
    return states


def restore_states(callbacks, states):
    """Give callbacks what `states_of` returned: the first of a class gets the first state of that class, and so on."""
    left = list(states)
    for callback in callbacks:
        found = next((entry for entry in left if entry["class"] == type(callback).__name__), None)
        if found is None:
            continue
        left.remove(found)
        if hasattr(callback, "set_state"):
            callback.set_state(found["state"])
        else:
            for name in _attributes(callback):
                setattr(callback, name, found["state"][name])
    for entry in left:
        _logger.warning("The checkpoint holds the state of a callback %s, and this run has none.", entry["class"])


def is_stopped(callbacks, states):
    """Return whether early stopping ended the run; with more patience now, it did not."""
    stopping = [callback for callback in callbacks if isinstance(callback, keras.callbacks.EarlyStopping)]
    counted = [entry["state"] for entry in states if {"stopped_epoch", "wait"} <= set(entry["state"])]
    return any(
        state["stopped_epoch"] > 0 and state["wait"] >= callback.patience
        for callback, state in zip(stopping, counted, strict=False)
    )


def _attributes(callback):
    return next((names for kind, names in _ATTRIBUTES.items() if isinstance(callback, kind)), ())


class _Counted(pydantic.BaseModel):
    """What one callback has counted."""

    kind: str = pydantic.Field(alias="class")
    state: dict[str, Any]


class _Best(pydantic.BaseModel):
    """Which epoch is the best."""

    monitor: str
    value: float
    epoch: pydantic.NonNegativeInt


class _State(pydantic.BaseModel):
    """What a checkpoint holds beside its model."""

    epoch: pydantic.NonNegativeInt
    history: dict[str, list[Any]]
    best: _Best | None
    callbacks: list[_Counted]
    seeds: list[Any]
    metadata: dict[str, Any] | None = None


class _Versioned(pydantic.BaseModel):
    """A state in a form that a version of the package knows."""

    version: pydantic.PositiveInt
    state: dict[str, Any]


def append_state(path, state):
    """Add a state to a `.keras` file; Keras loads the model in it as before.

    A state is a dict of numbers, strings, None, arrays and NumPy's scalars, and lists and dicts of them.
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
    """Read what `append_state` wrote."""
    name = str(path)
    try:
        with zipfile.ZipFile(path) as archive:
            found = archive.namelist()
            stored = {member: archive.read(member) for member in (_STATE, _ARRAYS) if member in found}
    except (OSError, zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        raise BrokenFileError(f"{name!r} must be a checkpoint. Received: {printable(str(error))[:200]}") from error
    if _STATE not in stored:
        raise BrokenFileError(f"A checkpoint must hold the state of its run. Received: {name!r}, a model alone")
    content = parse_json(stored[_STATE], _Versioned, name)
    if content.version > _VERSION:
        raise BrokenFileError(
            f"A checkpoint's version must be <= {_VERSION} for this version of keras_vae; upgrade it. "
            f"Received: {name!r}, version {content.version}"
        )
    arrays = read_npz(io.BytesIO(stored[_ARRAYS]), name) if _ARRAYS in stored else {}
    try:
        state = _with_arrays(content.state, arrays)
    except KeyError as error:
        raise BrokenFileError(
            f"{name!r} must hold all arrays of its state. Received: no {printable(str(error))[:200]}"
        ) from error
    check_content(state, _State, name)
    # Some names are not logged in each epoch: those of a validation now and then (`validation_freq`).
    longest = max(map(len, state["history"].values()), default=0)
    if longest != state["epoch"]:
        raise BrokenFileError(
            f"{name!r} must hold a history of its {state['epoch']} epochs. Received: one of {longest}"
        )
    return state


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
