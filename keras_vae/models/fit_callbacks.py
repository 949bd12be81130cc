"""What `fit` does with callbacks: their order, where a resumed run begins, whether they can write, what it returns."""

import pathlib

import keras

from keras_vae.core import check_writable_directory, html_table
from keras_vae.objectives import direction_of

# What callbacks call the file or the directory that they write.
_FILES = ("filepath", "filename")
_DIRECTORIES = ("backup_dir", "log_dir", "directory")


class EpochCounter(keras.callbacks.Callback):
    """Sets the `epoch` of pipelines at the start of each epoch, so that order and binarization depend on it alone.

    Without it, a resumed run would begin again with the order of epoch 0.
    """

    def __init__(self, epochs):
        super().__init__()
        self.epochs = tuple(epochs)

    def on_epoch_begin(self, epoch, logs=None):
        """Set the counters."""
        for counter in self.epochs:
            counter.assign(epoch)


class TrainingHistory(keras.callbacks.History):
    """What `fit` returns: Keras's history, which a notebook shows as a table."""

    MOST_ROWS = 12

    def _repr_html_(self):
        epochs = max(map(len, self.history.values()), default=0)
        # What was validated now and then only (`validation_freq`) has no place in a row.
        series = {name: values for name, values in self.history.items() if len(values) == epochs}
        # Of many epochs some are shown, at equal distances, the first and the last among them.
        number = min(epochs, self.MOST_ROWS)
        shown = [round(row * (epochs - 1) / max(1, number - 1)) for row in range(number)]
        rows = [[str(self.epoch[at] + 1), *(f"{values[at]:.5g}" for values in series.values())] for at in shown]
        return html_table(["epoch", *series], rows, [f"{epochs} epochs; losses and elbo are nats per example"])


def listed(callbacks):
    """Return callbacks as a flat list, however `fit` was given them."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return [] if callbacks is None else keras.tree.flatten(callbacks)


def with_own_callbacks(callbacks, own):
    """Put the package's own callbacks first, and last those that keep the state of others (they have `attach`)."""
    given = listed(callbacks)
    keepers = [callback for callback in given if hasattr(callback, "attach")]
    others = [callback for callback in given if not hasattr(callback, "attach")]
    for callback in others:
        # Keras looks for a direction among compiled metrics alone.
        direction = direction_of(str(getattr(callback, "monitor", "")))
        if getattr(callback, "mode", None) == "auto" and direction:
            callback.mode = direction
    for keeper in keepers:
        keeper.attach(others)
    has_history = any(isinstance(callback, keras.callbacks.History) for callback in given)
    # The history comes last, as in Keras, for other callbacks add to what it writes down.
    ordered = [*own, *others, *keepers, *([] if has_history else [TrainingHistory()])]
    if isinstance(callbacks, keras.callbacks.CallbackList):
        for callback in ordered:  # which the list has done for those that it was made with
            if callback not in given:
                callback.set_model(callbacks.model)
                callback.set_params(callbacks.params)
        callbacks.callbacks = ordered
        return callbacks
    return ordered


def detach(callbacks):
    """Detach the callbacks that keep the state of others when `fit` has ended, well or not."""
    for callback in listed(callbacks):
        if hasattr(callback, "detach"):
            callback.detach()


def first_epoch(callbacks, initial_epoch, epochs):
    """Return where `fit` begins: where a checkpoint among the callbacks left off."""
    for keeper in (callback for callback in listed(callbacks) if hasattr(callback, "attach")):
        if initial_epoch not in (0, keeper.epoch):
            raise ValueError(
                f"`initial_epoch` must be {keeper.epoch}, where the checkpoint left off, or be left out. "
                f"Received: initial_epoch={initial_epoch!r}"
            )
        # A run that was stopped early has nothing left to do.
        return max(keeper.epoch, epochs) if keeper.finished else keeper.epoch
    return initial_epoch


def check_monitors(callbacks):
    """Refuse checkpoints that wait for the numbers of a validation, where there is none."""
    for callback in listed(callbacks):
        monitor = str(getattr(callback, "monitor", ""))
        if hasattr(callback, "attach") and monitor.startswith("val_"):
            raise ValueError(
                f"`validation_data` must be given for a checkpoint with monitor={monitor!r}. Received: none"
            )


def check_outputs(callbacks):
    """Refuse callbacks that could not write: Keras would say so at the end of the first epoch, or of the last one.

    Directories are made, as the callbacks would make them.
    """
    for callback in listed(callbacks):
        paths = [pathlib.Path(path).parent for path in _named(callback, _FILES)]
        paths += [pathlib.Path(path) for path in _named(callback, _DIRECTORIES)]
        for path in paths:
            # Of a name such as "runs/epoch-{epoch}/model.keras" only what is fixed is known now.
            while "{" in str(path):
                path = path.parent
            check_writable_directory(path)


def writes_models(callbacks):
    """Return whether a callback saves the whole model."""
    return any(
        hasattr(callback, "attach")
        or (isinstance(callback, keras.callbacks.ModelCheckpoint) and not callback.save_weights_only)
        for callback in listed(callbacks)
    )


def _named(callback, names):
    values = (getattr(callback, name, None) for name in names)
    return [value for value in values if isinstance(value, (str, pathlib.Path)) and "://" not in str(value)]
