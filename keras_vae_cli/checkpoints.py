"""What an interrupted run is resumed from, and the one place that says whose run it is and how far it came."""

import csv
import dataclasses
import math

import keras

import keras_vae as kv
from keras_vae_cli.command import Mistake
from keras_vae_cli.config_file import settings_from, write_config


class Checkpoints:
    """The state of a run after each epoch, with its settings and history; `config.toml` and `history.csv` follow it."""

    def __init__(self, directory, settings, monitor=None):
        self.directory, self.settings = directory, settings
        self._checkpoint = kv.callbacks.Checkpoint(
            directory, monitor=monitor, metadata={"settings": dataclasses.asdict(settings)}
        )

    @property
    def path(self):
        """The file of the last epoch."""
        return self._checkpoint.last_path

    @property
    def epochs(self):
        """Whole epochs done."""
        return self._checkpoint.epoch

    def differences(self):
        """Name the settings in which the run that is there differs from this one; nothing where there is none."""
        for path in (self.path, self.directory / "model.keras"):
            state = self._checkpoint.read(path)
            if state is not None:
                theirs = settings_from((state.get("metadata") or {}).get("settings"), path)
                return self.settings.differences(theirs)
        return []

    def restore(self):
        """Load the last one, and rewrite the files beside it."""
        try:
            vae = self._checkpoint.restore()
        except ValueError as error:
            raise Mistake(f"Delete the checkpoint to start over. {error}") from error
        self.write_words()
        return vae

    def write_words(self):
        """Write settings and history in the form that people read."""
        write_config(self.settings, self.directory / "config.toml")
        history = self._checkpoint.history
        with (
            kv.core.atomic_write(self.directory / "history.csv") as aside,
            open(aside, "w", newline="", encoding="utf-8") as file,
        ):
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["epoch", *sorted(history)])
            for epoch in range(self.epochs):
                rows.writerow([epoch, *(history[name][epoch] for name in sorted(history))])

    def save(self, path, model):
        """Save a model as it is, with the settings of its run."""
        self._checkpoint.set_model(model)
        self._checkpoint.save(path)

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
        return [*stopping, _SaveEachEpoch(self, self._checkpoint)]

    @property
    def is_stopped(self):
        """Whether what `callbacks` was given has ended the run that was restored."""
        return self._checkpoint.finished


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
        self.checkpoints.write_words()

    def detach(self):
        """Let the directory go."""
        self.checkpoint.detach()
