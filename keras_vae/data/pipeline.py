"""Batches from arrays: order and binarization are pure functions of (seed, epoch, step)."""

from typing import Literal

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from keras_vae.core import Stream, check_choice, fold_in, resolve_seed
from keras_vae.data.binarization import binarize_batch, binarize_scaled, is_eight_bit
from keras_vae.data.epochs import batches_of_rows


def pipeline(
    images: ArrayLike,
    *,
    batch_size: int = 128,
    shuffle: bool = False,
    binarize: Literal["dynamic", "fixed"] | None = None,
    seed: int | None = None,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    rescale: bool | None = None,
    drop_remainder: bool = False,
) -> tf.data.Dataset:
    """Make a `tf.data.Dataset` of batches from an array.

    Each pass over the data set is an epoch. Order and dynamic binarization differ between epochs and are the same in
    two runs with one seed. The data set counts its own epochs; `fit` of this package's models sets the count
    (attribute `epoch`, a variable) to Keras's epoch, so that a resumed run continues as if it had not been cut.

    Parameters
    ----------
    images : array_like
        Shape (n, *event_shape); images, vectors or sequences.
    batch_size : int
        Examples in a batch, over all replicas.
    shuffle : bool
        Whether each epoch has an order of its own.
    binarize : {None, "dynamic", "fixed"}
        "dynamic" draws each pixel afresh in each epoch, one with its grey value as the probability (for training);
        "fixed" draws once (for validation and test); None leaves the values as they are.
    seed : int, optional
        Seed of order and binarization; a fresh one by default.
    labels : array_like, optional
        Shape (n, ...): batches become `(x, labels)`.
    sample_weight : array_like, optional
        Shape (n,): batches become `(x, labels, sample_weight)`, with an empty tuple where there are no labels.
    rescale : bool, optional
        Whether values are divided by 255; by default that is done to uint8 alone.
    drop_remainder : bool
        Whether a short last batch is left out.

    Returns
    -------
    tf.data.Dataset
        Batches of float32 `x` of shape (batch, *event_shape), alone or in a tuple as above.

    Raises
    ------
    ValueError
        If the array is empty or shorter than the only batch, an argument is out of range, or the arrays' lengths
        differ.
    """
    images = np.asarray(images)
    check_choice("binarize", binarize, (None, "dynamic", "fixed"))
    if images.ndim < 2 or len(images) == 0:
        raise ValueError(
            f"`images` must have shape (n, *event_shape) with n >= 1. Received: an array of shape {images.shape}"
        )
    size = len(images)
    extras = _extras(size, labels, sample_weight)
    seed = resolve_seed(seed)
    rescale = is_eight_bit(images) if rescale is None else rescale
    if binarize is not None:
        _check_probabilities(images, rescale)
    if binarize == "fixed":
        images = binarize_scaled(images, 255.0 if rescale else 1.0, seed).astype(np.uint8)
        rescale = False

    scale = 255.0 if rescale else 1.0
    with tf.device("CPU:0"):
        values = tf.constant(images)

    @tf.autograph.experimental.do_not_convert
    def load(epoch, step, rows):
        x = tf.cast(tf.gather(values, rows), tf.float32)
        if rescale:
            x = x / scale
        if binarize == "dynamic":
            x = binarize_batch(x, fold_in(seed, Stream.BINARIZATION, epoch, step))
        return x if extras is None else (x, *tf.nest.map_structure(lambda extra: tf.gather(extra, rows), extras))

    return batches_of_rows(size, load, batch_size=batch_size, shuffle=shuffle, seed=seed, drop_remainder=drop_remainder)


def _extras(size, labels, sample_weight):
    for name, values in (("labels", labels), ("sample_weight", sample_weight)):
        if values is not None and len(values) != size:
            raise ValueError(f"`{name}` must have one row for each of the {size} examples. Received: {len(values)}")
    if sample_weight is not None:
        weights = np.asarray(sample_weight)
        if not np.all(np.isfinite(weights) & (weights >= 0)):
            raise ValueError(
                "`sample_weight` must be finite and >= 0. "
                f"Received: values from {np.min(weights):g} to {np.max(weights):g}"
            )
        return (() if labels is None else tf.constant(labels), tf.constant(sample_weight, tf.float32))
    return None if labels is None else (tf.constant(labels),)


def _check_probabilities(images, rescale):
    low, high = float(images.min()), float(images.max())
    limit = 255.0 if rescale else 1.0
    if not (low >= 0.0 and high <= limit):  # also refuses NaN
        raise ValueError(
            f"`images` must be in [0, {limit:g}] to be binarized. Received: values from {low:g} to {high:g}"
        )
