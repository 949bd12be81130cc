"""Epochs of batches of rows: their order is a pure function of (seed, epoch)."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_vae.core import Stream, check_integer, fold_in


def batches_of_rows(
    size: int,
    load: Callable[..., Any],
    *,
    batch_size: int,
    shuffle: bool,
    seed: int,
    drop_remainder: bool,
    num_parallel_calls: int = 2,
) -> tf.data.Dataset:
    """Make a `tf.data.Dataset` that loads batches by the numbers of their examples, again in each epoch.

    Parameters
    ----------
    size : int
        How many examples there are.
    load : callable
        Takes the epoch, the step and the rows, three integer tensors, the last of shape (batch,), and returns a batch.
    batch_size : int
        Examples in a batch.
    shuffle : bool
        Whether each epoch has an order of its own.
    seed : int
        Seed of the order.
    drop_remainder : bool
        Whether a short last batch is left out.
    num_parallel_calls : int
        How many batches are loaded at the same time.

    Returns
    -------
    tf.data.Dataset
        Of known cardinality, with the attributes `epoch`, a variable that counts the passes, and `batch_size`.

    Raises
    ------
    ValueError
        If `batch_size` is not an integer >= 1, or the only batch is left out.
    """
    check_integer("batch_size", batch_size, minimum=1)
    if drop_remainder and size < batch_size:
        raise ValueError(
            f"`batch_size` must be <= {size}, the number of examples, with drop_remainder=True. "
            f"Received: batch_size={batch_size}"
        )
    with tf.device("CPU:0"):
        epoch = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")

    # Without autograph, which slows down each new data set. `load` may be a user's and keeps it.
    @tf.autograph.experimental.do_not_convert
    def batches(_):
        number = epoch.assign_add(1) - 1
        order = tf.range(size)
        if shuffle:
            order = tf.random.experimental.stateless_shuffle(order, seed=fold_in(seed, Stream.ORDER, number))
        rows = tf.data.Dataset.from_tensor_slices(order).batch(batch_size, drop_remainder=drop_remainder)
        return tf.data.Dataset.zip((tf.data.Dataset.from_tensors(number).repeat(), rows.enumerate()))

    def loaded(number, step_and_rows):
        return load(number, *step_and_rows)

    dataset = tf.data.Dataset.range(1).flat_map(batches)
    dataset = dataset.map(loaded, num_parallel_calls=num_parallel_calls, deterministic=True)
    steps = size // batch_size if drop_remainder else -(-size // batch_size)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2).with_options(_untuned())
    dataset.epoch, dataset.batch_size = epoch, batch_size
    return dataset


def _untuned():
    """Return options without TensorFlow's tuner: it has nothing to tune, and an epoch's end can wait for it."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return options
