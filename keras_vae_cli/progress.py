"""How a training goes, on a screen of 60 columns: a line for each epoch, and a bar within one where someone watches."""

import time

import keras
import typer

from keras_vae_cli.screen import Bar

_COLUMNS = ("elbo", "kl_loss", "val_elbo", "val_kl_loss")


class EpochLines(keras.callbacks.Callback):
    """Write a table with a line for each epoch; numbers are nats per image."""

    takes_executions = True  # of several steps at a time

    def __init__(self, steps_per_epoch):
        super().__init__()
        self.steps_per_epoch = steps_per_epoch
        self._bar = None
        self._start = 0.0

    def on_train_begin(self, logs=None):
        """Write the table's head."""
        typer.echo(f"{'nats/image':>10}{'training':>20}{'test':>20}")
        typer.echo(f"{'epoch':>10}{'elbo':>11}{'kl_loss':>9}{'elbo':>11}{'kl_loss':>9}{'seconds':>9}")

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock and the bar."""
        self._start = time.perf_counter()
        self._bar = Bar(f"epoch {epoch + 1}", self.steps_per_epoch)

    def on_train_batch_end(self, batch, logs=None):
        """Move the bar."""
        if self._bar is not None:
            self._bar.to(batch + 1)

    def on_epoch_end(self, epoch, logs=None):
        """Write the epoch's line."""
        self.close()
        name = f"{epoch + 1}/{self.params['epochs']}"
        train_elbo, train_kl, test_elbo, test_kl = (_number((logs or {}).get(column)) for column in _COLUMNS)
        seconds = time.perf_counter() - self._start
        typer.echo(f"{name:>10}{train_elbo:>11}{train_kl:>9}{test_elbo:>11}{test_kl:>9}{seconds:>9.1f}")

    def close(self):
        """Take the bar away, also when the epoch was not whole."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _number(value):
    if value is None:
        return "-"
    return f"{value:.2f}" if abs(value) < 1e5 else f"{value:.3g}"


class TrainingSpeed(keras.callbacks.Callback):
    """Measures training alone: neither validation nor, where there are others, the first epoch, which compiles."""

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
