"""What users hand to `fit`, `evaluate` and `predict`: taken apart and checked."""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_vae.data import assert_values, check_array, check_spec


class Batch(NamedTuple):
    """A batch, taken apart.

    Attributes
    ----------
    x : array_like
        The observations.
    condition : array_like or None
        What the model is conditioned on.
    sample_weight : array_like or None
        Shape (batch,).
    probabilities : array_like or None
        Of the shape of a binary x: those by which its elements were drawn.
    """

    x: Any
    condition: Any = None
    sample_weight: Any = None
    probabilities: Any = None


class Rule(NamedTuple):
    """What observations must be like.

    Attributes
    ----------
    shape : tuple of int
        The shape of one observation.
    support : tuple of float or None
        The lowest and the highest value.
    integer : bool
        Whether values are whole numbers.
    owner : str
        The likelihood, for messages.
    float16 : bool
        Whether values must fit into float16.
    """

    shape: tuple
    support: tuple | None
    integer: bool
    owner: str
    float16: bool = False

    def check(self, x, name="x"):
        """Check an array's shape and values and return it as an array."""
        return check_array(x, **self._asdict(), name=name)

    def check_spec(self, x, name="x"):
        """Check the shape and the dtype of a tensor or a spec, not the values."""
        shape = tuple(x.shape) if tf.TensorShape(x.shape).rank is not None else None
        if shape is not None:
            check_spec(shape, tf.as_dtype(x.dtype).as_numpy_dtype, shape=self.shape, owner=self.owner, name=name)

    def check_batch(self, batch):
        """Check a batch of arrays as it is read and hand it on, as the tuple that Keras asks for."""
        batch = tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
        for name, values in _observed(batch):
            self.check(values, name)
        return batch

    def check_in_graph(self, *batch):
        """Check a batch in a `tf.data` map and hand it on."""
        batch = batch[0] if len(batch) == 1 else batch
        for name, values in _observed(batch):
            assert_values(values, support=self.support, integer=self.integer, owner=self.owner, name=name)
        return batch


class _CheckedPyDataset(keras.utils.PyDataset):
    """A `PyDataset` whose batches are checked as they are read."""

    def __init__(self, inner, rule):
        super().__init__(inner.workers, inner.use_multiprocessing, inner.max_queue_size)
        self.inner, self.rule = inner, rule

    def __len__(self):
        return len(self.inner)

    def __getitem__(self, index):
        return self.rule.check_batch(self.inner[index])

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


def unpack(batch):
    """Take a batch apart: `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`, where x may be a dictionary.

    Its keys are "x", "condition" and "probabilities". Targets y have no use here and are left out.

    Parameters
    ----------
    batch : tensor, tuple or dict
        One batch.

    Returns
    -------
    Batch
        With None for what it does not have.
    """
    x, _, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
    if isinstance(x, dict):
        if "x" not in x:
            raise ValueError(f"A batch that is a dictionary must have the key 'x'. Received: keys {sorted(x)}")
        return Batch(x["x"], x.get("condition"), sample_weight, x.get("probabilities"))
    return Batch(x, sample_weight=sample_weight)


def with_weights(batch):
    """Unpack a batch, with a weight of one for each example where there are none.

    Parameters
    ----------
    batch : tensor, tuple or dict
        One batch.

    Returns
    -------
    Batch
        With tensors x and sample_weight, the latter of shape (batch,).
    """
    batch = unpack(batch)
    x, weights = tf.convert_to_tensor(batch.x), batch.sample_weight
    weights = tf.ones([tf.shape(x)[0]]) if weights is None else tf.cast(weights, tf.float32)
    return batch._replace(x=x, sample_weight=weights)


def is_array(x):
    """Tell arrays, tensors and nested lists of numbers from data sets and generators.

    Parameters
    ----------
    x : object
        What was handed over.

    Returns
    -------
    bool
    """
    return isinstance(x, (np.ndarray, tf.Tensor, list))


def checked(data, rule):
    """Check arrays at once; of streams check the spec at once and each batch's values as it is read.

    Parameters
    ----------
    data : array_like, tf.data.Dataset, keras.utils.PyDataset or generator
        Observations, or batches of them.
    rule : Rule
        What they must be like.

    Returns
    -------
    object
        The array, or a stream of the same kind.
    """
    if is_array(data):
        return rule.check(data)
    if isinstance(data, tf.data.Dataset):
        for name, spec in _observed(data.element_spec):
            rule.check_spec(spec, name)
        stream = data.map(rule.check_in_graph).prefetch(2)
        for name in ("epoch", "batch_size"):
            if hasattr(data, name):
                setattr(stream, name, getattr(data, name))
        return stream
    if isinstance(data, tf.distribute.DistributedDataset):
        return data
    if isinstance(data, keras.utils.PyDataset):
        return _CheckedPyDataset(data, rule)
    if hasattr(data, "__next__"):
        return (rule.check_batch(batch) for batch in data)
    raise ValueError(
        "`x` must be an array, a `tf.data.Dataset`, a `keras.utils.PyDataset` or a generator of batches. "
        f"Received: {type(data).__name__}"
    )


def _observed(batch):
    """Return what must be like observations, with its name: x, and probabilities if the batch has them."""
    batch = unpack(batch)
    return [("x", batch.x)] + [("probabilities", batch.probabilities)] * (batch.probabilities is not None)
