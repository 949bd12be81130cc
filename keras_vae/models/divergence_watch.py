"""Stops a run that turned NaN."""

import time

import keras

from keras_vae.core import is_multi_worker

_SECONDS = 1.0


class DivergenceWatch(keras.callbacks.Callback):
    """Ask the guard of a model's training steps whether all was finite, before validation and before anything is saved.

    Within an epoch it is asked once a second: on an accelerator the answer waits for the steps under way. Steps after
    a bad one change nothing, so that nothing is lost by hearing of it later. Several workers, whose clocks differ, all
    hear of it at the end of the epoch.

    Parameters
    ----------
    guard : DivergenceGuard
        The model's.
    """

    def __init__(self, guard):
        super().__init__()
        self.guard = guard
        self._next = 0.0

    def on_train_begin(self, logs=None):
        """Forget an earlier run."""
        self.guard.reset()

    def on_train_batch_end(self, batch, logs=None):
        """Ask, if it is time."""
        if time.monotonic() >= self._next and not is_multi_worker(self.model.distribute_strategy):
            self.guard.raise_if_diverged()
            self._next = time.monotonic() + _SECONDS

    def on_test_begin(self, logs=None):
        """Ask before validation."""
        self.guard.raise_if_diverged()

    def on_epoch_end(self, epoch, logs=None):
        """Ask before other callbacks save the model."""
        self.guard.raise_if_diverged()
