"""How estimates are run: on a checked model, compiled once, in chunks that bound memory, under a bar."""

import math
import sys
import weakref
from typing import NamedTuple

import keras
import tensorflow as tf

from keras_vae.core import MAX_NUMBERS, check_instance, equal_chunks
from keras_vae.models import LatentVariableModel

_FUNCTIONS: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


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


def compiled(vae, make, *key, signature=None):
    """Return `make(vae, *key)` as a `tf.function`, the same one for each key and signature; it goes with the model.

    Without XLA: on the CPU, where it runs on one core, it took twice the time.
    """
    functions = _FUNCTIONS.setdefault(vae, {})
    entry = (make, *key, str(signature))
    if entry not in functions:
        # A function that held the model would keep it in memory forever.
        functions[entry] = tf.function(make(weakref.proxy(vae), *key), input_signature=signature)
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


class ChunkPlan(NamedTuple):
    """Chunks of `samples` samples, for `images` images at a time.

    All chunks are of one shape, so that one graph does; together they hold at least the samples asked for, and what
    the last one has too many does not count.
    """

    samples: int
    chunks: int
    images: int


def plan_importance(num_samples, event_numbers):
    """Plan samples that are decoded for one image alone, as many at a time as memory allows.

    Here and below, the likelihood needs `event_numbers` numbers for one event.
    """
    return _equal(num_samples, max(1, MAX_NUMBERS // event_numbers))


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
