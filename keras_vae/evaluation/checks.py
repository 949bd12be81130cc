"""Checks that all estimates share, and the bar that shows how far they are."""

import sys

import keras
import tensorflow as tf

from keras_vae.core import check_instance
from keras_vae.models import LatentVariableModel, collect


def check_model(vae):
    """Check that a model is one of this package and has an evidence, and build it if need be."""
    check_instance("vae", vae, LatentVariableModel, "a model of `keras_vae`")
    for posterior in (level.posterior for level in vae.levels):
        if not posterior.is_distribution:
            raise ValueError(
                "`vae` must have a posterior with a density; a plain autoencoder is no model of p(x). "
                f"Received: a posterior {type(posterior).__name__}"
            )
    vae.ensure_built()
    return vae


def check_observations(vae, x):
    """Return observations, arrays or a stream, as one batch of arrays that suit the model."""
    return collect(x, vae.spec)


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
