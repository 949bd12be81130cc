"""Data of every kind as streams of checked batches, for `fit`, `evaluate`, `predict` and the verbs."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_vae.core import Batch, Spec
from keras_vae.data import batches_of_rows


class CheckedPyDataset(keras.utils.PyDataset):
    """A `PyDataset` whose batches are checked as they are read."""

    def __init__(self, inner, spec, class_weight):
        super().__init__(inner.workers, inner.use_multiprocessing, inner.max_queue_size)
        self.inner, self.spec, self.class_weight = inner, spec, class_weight

    def __len__(self):
        return len(self.inner)

    def __getitem__(self, index):
        return _read(self.inner[index], self.spec, self.class_weight)

    @property
    def num_batches(self):
        """The number of batches, None if it is unknown."""
        return self.inner.num_batches

    def on_epoch_begin(self):
        """Pass on."""
        self.inner.on_epoch_begin()

    def on_epoch_end(self):
        """Pass on."""
        self.inner.on_epoch_end()


def is_stream(data: Any) -> bool:
    """Return whether data are a data set or a generator of batches, and not arrays in some form.

    Parameters
    ----------
    data : object
        What a verb was given.

    Returns
    -------
    bool
    """
    streams = (tf.data.Dataset, tf.distribute.DistributedDataset, keras.utils.PyDataset)
    return isinstance(data, streams) or hasattr(data, "__next__")


def stream(data, spec, *, class_weight=None):
    """Return a stream of the same kind whose batches are dictionaries of fields, checked as they are read."""
    if isinstance(data, tf.distribute.DistributedDataset):
        if class_weight is not None:
            raise ValueError(
                "`class_weight` must be left out for a distributed data set, whose batches are not looked at: let it "
                f"hold sample weights. Received: class_weight={class_weight}"
            )
        return data
    if isinstance(data, keras.utils.PyDataset):
        return CheckedPyDataset(data, spec, class_weight)
    if not isinstance(data, tf.data.Dataset):
        return (_read(batch, spec, class_weight) for batch in data)
    spec.batch(_plain(data.element_spec), class_weight=class_weight)  # refused here, and not from within a graph

    @tf.autograph.experimental.do_not_convert
    def assert_values(*batch):
        batch = spec.batch(_plain(batch[0] if len(batch) == 1 else batch), class_weight=class_weight)
        return (spec.asserted(batch).fields,)

    checked = data.map(assert_values).prefetch(2)
    for name in ("epoch", "batch_size"):
        if hasattr(data, name):
            setattr(checked, name, getattr(data, name))
    return checked


def pipeline(batch, *, batch_size, shuffle, seed):
    """Return a data set of batches from one batch of arrays: each epoch has an order of its own, by the seed."""
    with tf.device("CPU:0"):
        fields = {name: tf.constant(values) for name, values in batch.fields.items()}

    @tf.autograph.experimental.do_not_convert
    def load(epoch, step, rows):
        return ({name: tf.gather(values, rows) for name, values in fields.items()},)

    options = {"batch_size": batch_size, "shuffle": shuffle, "seed": seed, "drop_remainder": False}
    return batches_of_rows(len(batch.x), load, **options)


def repeated(dataset, first_step):
    """Return pass after pass of a `pipeline` without an end, from a step on: an epoch may be any number of steps."""
    passes, done = divmod(first_step, int(dataset.cardinality()))
    dataset.epoch.assign(passes)  # and each pass adds one
    endless = dataset.repeat().skip(done)
    endless.batch_size = dataset.batch_size
    return endless


def host_batches(data, spec, batch_size, without=()):
    """Yield checked batches of arrays, of arrays `batch_size` rows at a time and of a stream as they come.

    The fields `without` are left out before any is looked at.
    """
    if is_stream(data):
        is_empty = True
        for batch in data if not isinstance(data, keras.utils.PyDataset) else (data[i] for i in range(len(data))):
            yield spec.arrays(_without(without, _plain(batch), spec))
            is_empty = False
        if is_empty:
            raise ValueError("The data must hold at least one example. Received: none")
        return
    batch = spec.arrays(_without(without, data, spec))
    for start in range(0, len(batch.x), batch_size):
        yield batch.rows(start, start + batch_size)


def collect(data: Any, spec: Spec) -> Batch:
    """Return arrays or a finite stream as one checked batch of arrays.

    Parameters
    ----------
    data : array_like, dict, tuple or stream of batches
        What `fit` takes.
    spec : Spec
        The model's.

    Returns
    -------
    Batch
        Of arrays.

    Raises
    ------
    ValueError
        If there is no example, or the model does not take the data.
    """
    if not is_stream(data):
        return spec.arrays(data)
    batches = [batch.fields for batch in host_batches(data, spec, 1)]
    if len({frozenset(batch) for batch in batches}) > 1:
        raise ValueError(
            "The batches must have the same fields, all of them. "
            f"Received: {' and '.join(sorted({str(sorted(batch)) for batch in batches}))}"
        )
    return Batch(**{name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]})


def _read(batch, spec, class_weight):
    fields = spec.arrays(_plain(batch), class_weight=class_weight).fields
    # Keras casts all batches to the dtypes of the first ones: one of whole numbers would cut off later fractions.
    is_whole = spec.condition is not None and spec.condition.integer
    return ({name: v if name == "condition" and is_whole else v.astype(spec.dtype) for name, v in fields.items()},)


def _without(names, data, spec):
    return spec.batch(data)._replace(**dict.fromkeys(names)) if names else data


def _plain(batch):
    """Take a batch out of a tuple that a data set has put around it."""
    while isinstance(batch, (tuple, list)) and not isinstance(batch, Batch) and len(batch) == 1:
        batch = batch[0]
    return tuple(batch) if isinstance(batch, list) and _are_arrays(batch) else batch


def _are_arrays(batch):
    return all(hasattr(part, "shape") or part is None for part in batch)
