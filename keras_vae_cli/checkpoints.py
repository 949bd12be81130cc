"""What an interrupted run is resumed from."""

import math

import keras

import keras_vae as kv
from keras_vae_cli.command import Mistake


class Checkpoints:
    """The state of a run after each epoch, and the history up to there."""

    def __init__(self, directory, monitor=None):
        self.history = directory / "history.csv"
        self._checkpoint = kv.callbacks.Checkpoint(directory, monitor=monitor)
        self.epochs = 0
        self._log = keras.callbacks.CSVLogger(str(self.history), append=True)

    @property
    def path(self):
        """The file of the last epoch."""
        return self._checkpoint.last_path

    def restore(self):
        """Load the last one, and cut the history back to it."""
        try:
            vae = self._checkpoint.restore()
        except ValueError as error:
            raise Mistake(f"Delete the checkpoint to begin anew. {error}") from error
        self.epochs = self._checkpoint.epoch
        if vae is None:
            self.history.unlink(missing_ok=True)
        elif self.history.exists():
            lines = self.history.read_bytes().splitlines(keepends=True)
            self.history.write_bytes(b"".join(lines[: 1 + self.epochs]))
        return vae

    @property
    def best(self):
        """The best epoch, from 1; None before there is one."""
        return self._checkpoint.best and self._checkpoint.best["epoch"] + 1

    def load_best(self):
        """Load the model of the best epoch."""
        return self._checkpoint.load_best()

    def results(self, epoch):
        """Return what the test images gave in an epoch, from 1, by the name of each number."""
        history = self._checkpoint.history
        return {
            name.removeprefix("val_"): values[epoch - 1] for name, values in history.items() if name.startswith("val_")
        }

    def callbacks(self, stopping=()):
        """Return what writes them, with callbacks that may end the training, whose state is kept."""
        self._checkpoint.attach(list(stopping))
        # The history first: a row too many is cut back, a row too few would be missing.
        return [self._log, *stopping, _SaveEachEpoch(self, self._checkpoint)]

    @property
    def is_stopped(self):
        """Whether what `callbacks` was given has ended the run that was restored."""
        return self._checkpoint.finished

    def close(self):
        """Close the history, which Keras leaves open where a training does not end well."""
        self._log.on_train_end()


class _SaveEachEpoch(keras.callbacks.Callback):
    """Saves the model after each epoch, unless a number is not finite, and before the line that reports the epoch.

    Left to itself, a `Checkpoint` comes after all others.
    """

    def __init__(self, checkpoints, checkpoint):
        super().__init__()
        self.checkpoints, self.checkpoint = checkpoints, checkpoint

    def set_params(self, params):
        super().set_params(params)
        self.checkpoint.set_params(params)

    def set_model(self, model):
        super().set_model(model)
        self.checkpoint.set_model(model)

    def on_train_begin(self, logs=None):
        self.checkpoint.on_train_begin(logs)

    def on_epoch_end(self, epoch, logs=None):
        spoilt = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if spoilt:
            raise FloatingPointError(
                f"`{spoilt[0]}` must be finite: try a lower --learning-rate. Received: {logs[spoilt[0]]} in epoch "
                f"{epoch + 1}"
            )
        self.checkpoint.on_epoch_end(epoch, logs)
        self.checkpoints.epochs = epoch + 1
