"""What an interrupted run is resumed from."""

import math

import keras

import keras_vae as kv
from keras_vae_cli.mistake import Mistake
from keras_vae_cli.run_directory import CHECKPOINT


class Checkpoints:
    """The state of a run after each epoch: model and optimizer in one file, and the history up to there.

    Order of the data, binarization and noise are functions of seed, epoch and step, so that there is nothing else to
    keep: a resumed run goes on as if it had not been cut.

    Parameters
    ----------
    directory : pathlib.Path
        Where they are.
    steps_per_epoch : int
        By which the optimizer's steps are counted in epochs.

    Attributes
    ----------
    epochs : int
        How many the last one was trained for.
    """

    def __init__(self, directory, steps_per_epoch):
        self.path = directory / CHECKPOINT
        self.history = directory / "history.csv"
        self.steps_per_epoch = steps_per_epoch
        self.epochs = 0
        self._log = keras.callbacks.CSVLogger(str(self.history), append=True)

    def restore(self):
        """Load the last one, and cut the history back to it.

        Returns
        -------
        keras_vae.VAE or None
            None where there is none.

        Raises
        ------
        Mistake
            If the file is broken.
        """
        if not self.path.exists():
            self.history.unlink(missing_ok=True)
            return None
        try:
            vae = kv.load_model(self.path)
        except ValueError as error:
            raise Mistake(f"Delete the checkpoint to begin anew. {error}") from error
        self.epochs = int(vae.optimizer.iterations) // self.steps_per_epoch
        lines = self.history.read_bytes().splitlines(keepends=True)
        self.history.write_bytes(b"".join(lines[: 1 + self.epochs]))
        return vae

    def callbacks(self):
        """Return what writes them.

        Returns
        -------
        list of keras.callbacks.Callback
        """
        # The history first: a row too many is cut back, a row too few would be missing.
        return [self._log, _SaveEachEpoch(self)]

    def close(self):
        """Close the history, which Keras leaves open where a training does not end well."""
        self._log.on_train_end()


class _SaveEachEpoch(keras.callbacks.Callback):
    """Save the model after each epoch, unless it is spoilt."""

    def __init__(self, checkpoints):
        super().__init__()
        self.checkpoints = checkpoints

    def on_epoch_end(self, epoch, logs=None):
        spoilt = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if spoilt:
            raise FloatingPointError(
                f"`{spoilt[0]}` must be finite: try a lower --learning-rate. Received: {logs[spoilt[0]]} in epoch "
                f"{epoch + 1}"
            )
        self.model.save(self.checkpoints.path)
        self.checkpoints.epochs = epoch + 1
