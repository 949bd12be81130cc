"""What other callbacks know and a resumed run must know again."""

import logging

import keras

_logger = logging.getLogger("keras_vae")

# Keras's callbacks begin anew in each `fit`; these attributes are what they have counted.
_ATTRIBUTES = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch", "best_weights"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "cooldown_counter", "best"),
    keras.callbacks.ModelCheckpoint: ("best",),
}


def states_of(callbacks):
    """Return what callbacks have counted, of those that count.

    Parameters
    ----------
    callbacks : list of keras.callbacks.Callback
        Keras's, or others with methods `get_state()` and `set_state(state)`.

    Returns
    -------
    list of dict
        "class", a name, and "state", which holds numbers, strings, None, arrays, and lists and dicts of them.
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
    """Give callbacks what `states_of` returned: the first of a class gets the first state of that class, and so on.

    Parameters
    ----------
    callbacks : list of keras.callbacks.Callback
        Those of the resumed run.
    states : list of dict
        Those of the run that was cut.
    """
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
    """Tell whether early stopping ended the run; with more patience now, it did not.

    Parameters
    ----------
    callbacks : list of keras.callbacks.Callback
        Those of the resumed run.
    states : list of dict
        Those of the run that was cut.

    Returns
    -------
    bool
    """
    stopping = [callback for callback in callbacks if isinstance(callback, keras.callbacks.EarlyStopping)]
    counted = [entry["state"] for entry in states if {"stopped_epoch", "wait"} <= set(entry["state"])]
    return any(
        state["stopped_epoch"] > 0 and state["wait"] >= callback.patience
        for callback, state in zip(stopping, counted, strict=False)
    )


def _attributes(callback):
    return next((names for kind, names in _ATTRIBUTES.items() if isinstance(callback, kind)), ())
