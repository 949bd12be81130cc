"""The order in which callbacks run, and where a run that one of them resumes begins."""

import keras


def with_own_callbacks(callbacks, own):
    """Put the package's own callbacks first, and last what keeps the state of the others.

    A callback that keeps the state of others has a method `attach`, which is told who they are.

    Parameters
    ----------
    callbacks : keras.callbacks.Callback, sequence of them, CallbackList or None
        What `fit` was given.
    own : list of keras.callbacks.Callback
        What `fit` adds.

    Returns
    -------
    list of keras.callbacks.Callback or CallbackList
        The list that was given, if it was one of Keras's.
    """
    given = listed(callbacks)
    keepers = [callback for callback in given if hasattr(callback, "attach")]
    others = [callback for callback in given if not hasattr(callback, "attach")]
    for keeper in keepers:
        keeper.attach(others)
    ordered = [*own, *others, *keepers]
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.callbacks = ordered
        return callbacks
    return ordered


def first_epoch(callbacks, initial_epoch, epochs):
    """Return where `fit` begins: where a checkpoint among the callbacks left off.

    Parameters
    ----------
    callbacks : list of keras.callbacks.Callback or CallbackList
        What `with_own_callbacks` returned.
    initial_epoch : int or None
        What `fit` was given.
    epochs : int
        Where it ends.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If `initial_epoch` is another one than the checkpoint's.
    """
    for keeper in (callback for callback in listed(callbacks) if hasattr(callback, "attach")):
        if initial_epoch not in (None, keeper.epoch):
            raise ValueError(
                f"`initial_epoch` must be {keeper.epoch}, where the checkpoint left off, or be left out. "
                f"Received: initial_epoch={initial_epoch!r}"
            )
        # A run that was stopped early has nothing left to do.
        return max(keeper.epoch, epochs) if keeper.finished else keeper.epoch
    return initial_epoch or 0


def listed(callbacks):
    """Return callbacks as a flat list, however `fit` was given them.

    Parameters
    ----------
    callbacks : keras.callbacks.Callback, sequence of them, CallbackList or None
        What `fit` was given.

    Returns
    -------
    list of keras.callbacks.Callback
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return [] if callbacks is None else keras.tree.flatten(callbacks)
