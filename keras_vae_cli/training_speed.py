"""How fast a training went."""

import time

import keras


class TrainingSpeed(keras.callbacks.Callback):
    """Measures training alone: neither validation nor, where there are others, the first epoch, which compiles.

    Parameters
    ----------
    num_images : int
        Images in an epoch.
    """

    def __init__(self, num_images):
        super().__init__()
        self.num_images = num_images
        self.seconds = []
        self._start = None

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock."""
        self._start = time.perf_counter()

    def on_test_begin(self, logs=None):
        """Stop it where validation begins."""
        self._stop()

    def on_epoch_end(self, epoch, logs=None):
        """Stop it if there was no validation."""
        self._stop()

    def _stop(self):
        if self._start is not None:
            self.seconds.append(time.perf_counter() - self._start)
            self._start = None

    @property
    def images_per_second(self):
        """Images trained on in a second, a float; None where nothing was trained."""
        if not self.seconds:
            return None
        counted = self.seconds[1:] or self.seconds
        return self.num_images * len(counted) / sum(counted)
