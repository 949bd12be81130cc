"""Checkpoints from which an interrupted run resumes."""

import functools
import math
import os
import pathlib
import shutil
from typing import Any, Literal

import keras
import numpy as np

from keras_vae.callbacks.training_state import append_state, is_stopped, read_state, restore_states, states_of
from keras_vae.core import (
    BrokenFileError,
    DirectoryLock,
    atomic_write,
    check_choice,
    check_finite_weights,
    check_integer,
    check_writable_directory,
    remove_partial,
    write_keras_file,
)
from keras_vae.models import LatentVariableModel, load_model

_MONITORS = ("val_elbo", "val_loss", "elbo", "loss")


class Checkpoint(keras.callbacks.Callback):
    """Keep the last and the best epoch of a run on disk, so that a run that was killed can resume.

    `last.keras` and `best.keras` are models that `keras_vae.load_model` opens. Each is one file that also holds the
    state of its run: the number of the epoch, the history, the optimizer, the learning rate, the positions of seed
    generators, and what `EarlyStopping`, `ReduceLROnPlateau`, `ModelCheckpoint` and callbacks with the methods
    `get_state()` and `set_state(state)` have counted. A file gets its name only when it is complete and on the disk, so
    a good file exists at any moment. Order of the data, binarization and noise are functions of seed, epoch and step.

    A resumed run begins after the last epoch that was saved; on one CPU it ends, bit for bit, with the weights and the
    history of a run that was never cut, if the data come from an array, or from a `keras_vae.data.pipeline` with a seed
    in whole passes (without `steps_per_epoch`).

    Parameters
    ----------
    directory : str or pathlib.Path
        Where the files are kept; made if need be.
    monitor : str, optional
        What is best, a name in the logs; by default the first of val_elbo, val_loss, elbo and loss that is there. Where
        an epoch is not validated (`validation_freq`), it is not compared with those that are.
    mode : {"auto", "min", "max"}
        Whether lower or higher is better; "auto" knows all losses and bounds of this package.
    start_from_epoch : int
        Epochs, from 0, before any may be the best, such as those in which beta grows.
    every_n_epochs : int
        How often `last.keras` is written. It is always written when training ends.
    overwrite : bool
        Whether an existing run that was not restored is replaced.
    metadata : dict, optional
        What else is kept in each file, such as the settings of the run: all that JSON can hold.

    Attributes
    ----------
    epoch : int
        Whole epochs done.
    history : dict
        For each name in the logs a list with a number for each of these epochs in which it was logged.
    best : dict or None
        "monitor", "value" and "epoch", from 0 as in Keras, of the best epoch.

    Raises
    ------
    ValueError
        If an argument is out of range. When training starts, if the directory holds a run that was not restored, or
        `fit` was given another `initial_epoch`, or no validation data where the monitor needs them. After the first
        epoch, if the monitor is not in the logs.
    OSError
        If a file cannot be written; the last good one stays. When training starts, if another process uses the
        directory.

    Examples
    --------
    >>> checkpoint = keras_vae.callbacks.Checkpoint("runs/first")
    >>> vae = checkpoint.restore() or make_and_compile()
    >>> vae.fit(train_x, validation_data=test_x, epochs=100, callbacks=[checkpoint, early_stopping])
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        monitor: str | None = None,
        mode: Literal["auto", "min", "max"] = "auto",
        start_from_epoch: int = 0,
        every_n_epochs: int = 1,
        overwrite: bool = False,
        metadata: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.directory = pathlib.Path(directory)
        self.monitor = monitor
        self.mode = check_choice("mode", mode, ("auto", "min", "max"))
        if monitor is not None:
            _sign(monitor, mode)
        self.start_from_epoch = check_integer("start_from_epoch", start_from_epoch, minimum=0)
        self.every_n_epochs = check_integer("every_n_epochs", every_n_epochs, minimum=1)
        self.overwrite = overwrite
        self.metadata = metadata
        self.epoch = 0
        self.history: dict[str, list] = {}
        self.best: dict[str, Any] | None = None
        self._is_own = False  # whether what is in the directory is this run's
        self._others: list[Any] = []
        self._states: list[dict[str, Any]] = []
        self._lock: DirectoryLock | None = None

    @property
    def last_path(self) -> pathlib.Path:
        """The file of the last epoch."""
        return self.directory / "last.keras"

    @property
    def best_path(self) -> pathlib.Path:
        """The file of the best epoch."""
        return self.directory / "best.keras"

    @property
    def finished(self) -> bool:
        """Whether early stopping ended the run that was restored; `fit` then trains no more."""
        return is_stopped(self._others, self._states)

    def restore(self, custom_objects: dict[str, Any] | None = None) -> LatentVariableModel | None:
        """Load the last epoch, so that the next `fit` resumes there.

        Parameters
        ----------
        custom_objects : dict, optional
            Classes of trunks by name, where they are not registered with Keras.

        Returns
        -------
        keras_vae.models.LatentVariableModel or None
            Compiled, as it was; None where there is no run yet.

        Raises
        ------
        ValueError
            If the file is broken or not a checkpoint.
        """
        self._is_own = True
        state = self.read()
        if state is None:
            return None
        model = load_model(self.last_path, custom_objects=custom_objects)
        _assign(_seed_states(model), state["seeds"], self.last_path)
        self.epoch, self.history, self.best = state["epoch"], state["history"], state["best"]
        self._states = state["callbacks"]
        return model

    def read(self, path: str | os.PathLike[str] | None = None) -> dict[str, Any] | None:
        """Read what a file holds beside its model.

        Parameters
        ----------
        path : str or pathlib.Path, optional
            A file that this callback wrote; that of the last epoch by default.

        Returns
        -------
        dict or None
            "epoch", "history", "best" and "metadata", among others; None where there is no such file.

        Raises
        ------
        ValueError
            If the file is broken or no checkpoint.
        """
        path = self.last_path if path is None else pathlib.Path(path)
        return read_state(path) if path.exists() else None

    def load_best(self, custom_objects: dict[str, Any] | None = None) -> LatentVariableModel:
        """Load the model of the best epoch.

        Parameters
        ----------
        custom_objects : dict, optional
            As for `restore`.

        Returns
        -------
        keras_vae.models.LatentVariableModel

        Raises
        ------
        FileNotFoundError
            If there is none yet.
        ValueError
            If the file is broken.
        """
        return load_model(self.best_path, custom_objects=custom_objects)

    def attach(self, callbacks: list[Any]) -> None:
        """Note the callbacks whose state is saved; `fit` calls this, and runs this callback last.

        Parameters
        ----------
        callbacks : list of keras.callbacks.Callback
            The others.
        """
        self._others = callbacks

    def detach(self) -> None:
        """Let others use the directory; `fit` of this package's models says so, however it ends."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Refuse to write over another run, and give the other callbacks what they had counted."""
        check_writable_directory(self.directory)
        self._lock = DirectoryLock(self.directory)
        self._lock.acquire()
        if self.last_path.exists() and not (self._is_own or self.overwrite):
            raise ValueError(
                "`directory` must hold no run that was not restored: call `restore()` to resume it, or pass "
                f"overwrite=True to start over. Received: directory={str(self.directory)!r}"
            )
        for path in (self.last_path, self.best_path):
            if not self._is_own:
                path.unlink(missing_ok=True)
            remove_partial(path)
        self._is_own = True
        restore_states(self._others, self._states)
        self._states = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Refuse an epoch that is not the next one."""
        if epoch != self.epoch:
            raise ValueError(f"`initial_epoch` must be {self.epoch}, where the checkpoint left off. Received: {epoch}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save the epoch, as the last one and maybe as the best."""
        logs = logs or {}
        loss = logs.get("loss", 0.0)
        if not math.isfinite(loss):
            raise FloatingPointError(f"`loss` must be finite to be saved. Received: {loss} in epoch {epoch + 1}")
        self.epoch = epoch + 1
        for name, value in logs.items():
            self.history.setdefault(name, []).append(np.asarray(value).tolist())
        is_best = self._note_best(epoch, logs)
        # What other callbacks do when training has ended must not be in the file.
        is_end = self.model.stop_training or self.epoch == self.params.get("epochs")
        if is_best or is_end or self.epoch % self.every_n_epochs == 0:
            self._save(is_best)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Give `fit` the whole history to return, with the epochs before it was resumed."""
        history = self.model.history
        history.history = {name: list(values) for name, values in self.history.items()}
        history.epoch = list(range(self.epoch))

    def _note_best(self, epoch, logs):
        monitor = self.monitor or next((name for name in _MONITORS if name in self.history), None)
        if monitor not in logs:
            if monitor in self.history or str(monitor).removeprefix("val_") in logs:  # not in this epoch
                return False
            raise ValueError(f"`monitor` must be one of {sorted(logs)}. Received: monitor={self.monitor!r}")
        value, sign = float(logs[monitor]), _sign(monitor, self.mode)
        if epoch < self.start_from_epoch or not math.isfinite(value):
            return False
        # Before the first validation there was another monitor.
        is_same = self.best is not None and self.best["monitor"] == monitor
        if is_same and sign * value <= sign * self.best["value"]:
            return False
        self.best = {"monitor": monitor, "value": value, "epoch": epoch}
        return True

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save model and state to another file, in the middle of an epoch too; the checkpoints stay as they are.

        Parameters
        ----------
        path : str or pathlib.Path
            Where to; ends in `.keras`.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        with atomic_write(path) as aside:
            self._write(aside)

    def _save(self, is_best):
        try:
            with atomic_write(self.last_path) as aside:
                self._write(aside)
                if is_best:
                    # Before the last one: of a run that is cut in between, the next epoch is the best once more.
                    with atomic_write(self.best_path) as best:
                        shutil.copyfile(aside, best)
        except OSError as error:
            reason = error.strerror or str(error)
            raise OSError(
                f"The checkpoint of epoch {self.epoch} could not be written, and the one before it is still there. "
                f"Received: {str(self.directory)!r} ({reason})"
            ) from error

    def _write(self, path):
        state = {
            "epoch": self.epoch,
            "history": self.history,
            "best": self.best,
            "callbacks": states_of(self._others),
            "seeds": [keras.ops.convert_to_numpy(generator) for generator in _seed_states(self.model)],
            "metadata": self.metadata,
        }
        check_finite_weights(self.model)
        write_keras_file(path, functools.partial(keras.saving.save_model, self.model))
        append_state(path, state)


def _assign(generators, positions, path):
    """Put random streams back where a checkpoint says they were."""
    try:
        for generator, position in zip(generators, positions, strict=True):
            generator.assign(position)
    except (TypeError, ValueError) as error:
        raise BrokenFileError(
            f"{str(path)!r} must hold a position for each of the model's {len(generators)} random streams. "
            f"Received: {len(positions)} ({error})"
        ) from error


def _sign(monitor, mode):
    """Return 1 where more is better and -1 where less is."""
    if mode != "auto":
        return 1 if mode == "max" else -1
    if monitor.endswith("loss"):
        return -1
    if monitor.endswith("elbo"):
        return 1
    raise ValueError(f'`mode` must be "min" or "max" for this monitor. Received: monitor={monitor!r}, mode="auto"')


def _seed_states(model):
    """Return the variables that hold positions of random streams, those of dropout for instance: Keras forgets them."""
    others = {id(variable) for variable in model.weights}
    others |= {id(variable) for metric in model.metrics for variable in metric.variables}
    return [variable for variable in model.variables if id(variable) not in others]
