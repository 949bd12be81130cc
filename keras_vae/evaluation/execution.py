"""How estimates are run: on a checked model, compiled once, in chunks that bound memory, under a bar."""

import logging
import math
import sys
import time
import weakref
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from keras_vae.core import MAX_NUMBERS, check_instance, equal_chunks
from keras_vae.models import LatentVariableModel

Progress = bool | Callable[[float], bool | None]
"""Whether a bar is shown; or what is called with the share that is done, and ends the estimate by answering True."""

_FUNCTIONS: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()

_MOST_IMAGES = 64
_LONG = 60.0  # seconds; the log announces what takes longer
_logger = logging.getLogger("keras_vae")


def check_model(vae):
    """Check that a model is one of this package and has an evidence, and build it if need be."""
    check_instance("vae", vae, LatentVariableModel, "a model of `keras_vae`")
    for posterior in (level.posterior for level in vae.levels):
        if not posterior.is_distribution:
            raise ValueError(
                "`vae` must have a posterior with a density; a plain autoencoder is not a model of p(x). "
                f"Received: a posterior {type(posterior).__name__}"
            )
    vae.ensure_built()
    return vae


def check_unweighted(x, function):
    """Refuse weights where averages count each example once."""
    if x.sample_weight is not None:
        raise ValueError(
            f"`sample_weight` must be left out of `{function}`, whose averages count each example once: weigh the "
            "values of `log_evidence` and `vae.score`. Received: weights"
        )
    return x


def compiled(vae, make, *key, signature=None):
    """Return `make(vae, *key)` as a `tf.function`, the same one for each key and signature; it goes with the model.

    Without XLA: on the CPU, where it runs on one core, it took twice the time.
    """
    functions = _FUNCTIONS.setdefault(vae, {})
    entry = (make, *key, str(signature))
    if entry not in functions:
        # A function that held the model would keep it in memory forever.
        function = make(weakref.proxy(vae), *key)
        functions[entry] = tf.function(function, input_signature=signature, autograph=False)
    return functions[entry]


def specs_of(batch):
    """Return what a graph takes for a batch: its fields, with any number of rows."""
    return {name: tf.TensorSpec([None, *rows.shape[1:]], rows.dtype) for name, rows in batch.fields.items()}


def tensors_of(batch):
    """Return the fields of a batch as tensors."""
    return {name: tf.constant(rows) for name, rows in batch.fields.items()}


def progress_bar(total, unit, wanted):
    """Return Keras's bar, or a silent one. Where nobody watches it writes a line a minute at most."""
    interval = 0.1 if sys.stdout.isatty() else 60.0
    return keras.utils.Progbar(total, verbose=1 if wanted else 0, interval=interval, unit_name=unit)


class Steps:
    """The `total` steps of an estimate: shown as they are done, and announced if they will take long.

    The first step compiles, so what all will take is known after the second one.
    """

    def __init__(self, total, unit, progress):
        self._total = total
        self._report = progress if callable(progress) else None
        self._bar = progress_bar(total, unit, progress is True)
        self._first: tuple[int, float] | None = None
        self._is_announced = self._report is not None  # then it is the caller who says what there is to say
        if self._report is not None:
            self._report(0.0)

    def is_over(self, done):
        """Note how many steps are done, and return whether the caller asks for no more."""
        if not self._is_announced:
            self._announce(done)
        self._bar.update(done)
        return bool(self._report is not None and self._report(done / self._total))

    def _announce(self, done):
        now = time.perf_counter()
        if self._first is None:
            self._first = (done, now)
            return
        self._is_announced = True
        seconds = (now - self._first[1]) / (done - self._first[0]) * self._total
        if seconds > _LONG:
            _logger.warning(
                "The evidence will take about %s. Fewer examples and fewer `num_samples` take less.", in_words(seconds)
            )


def in_words(seconds):
    """Return a time in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


class ChunkPlan(NamedTuple):
    """Chunks of `samples` samples, for `images` images at a time.

    All chunks are of one shape, so that one graph does; together they hold at least the samples asked for, and what
    the last one has too many does not count.
    """

    samples: int
    chunks: int
    images: int


def plan_importance(num_samples, event_numbers, batch_size=None):
    """Plan samples that are decoded for one image alone, as many at a time as memory allows.

    Images are handed over together where one alone is quickly done. Here and below, the likelihood needs
    `event_numbers` numbers for one event.
    """
    plan = _equal(num_samples, max(1, MAX_NUMBERS // event_numbers))
    images = min(max(1, MAX_NUMBERS // (plan.samples * event_numbers)), _MOST_IMAGES)
    return plan._replace(images=batch_size or images)


def plan_prior(num_samples, event_numbers, batch_size=None):
    """Plan samples that are decoded once and meet all images: few samples, so that many images meet them at a time.

    The chunks of samples, and so the noise, depend on neither the images nor the batch size.
    """
    pairs = max(1, MAX_NUMBERS // event_numbers)
    plan = _equal(num_samples, max(1, math.isqrt(pairs)))
    images = max(1, pairs // plan.samples)
    return plan._replace(images=images if batch_size is None else min(batch_size, images))


def plan_annealing(num_chains, event_numbers, batch_size=None):
    """Plan chains of several images at a time; gradients keep what a pass computes, so there are fewer of them."""
    rows = max(1, MAX_NUMBERS // (4 * event_numbers))
    plan = _equal(num_chains, rows)
    images = max(1, min(rows // plan.samples, 100))
    return plan._replace(images=images if batch_size is None else min(batch_size, images))


def _equal(num_samples, most):
    samples, chunks = equal_chunks(num_samples, most)
    return ChunkPlan(samples=samples, chunks=chunks, images=1)
