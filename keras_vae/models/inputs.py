"""What users hand to `fit`, `evaluate` and `predict`: taken apart and checked."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_vae.data import assert_values, check_array, check_spec


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

    def check(self, x):
        """Check an array's shape and values and return it as an array."""
        return check_array(x, **self._asdict())

    def check_spec(self, x):
        """Check the shape and the dtype of a tensor or a spec, not the values."""
        shape = tuple(x.shape) if tf.TensorShape(x.shape).rank is not None else None
        if shape is not None:
            check_spec(shape, tf.as_dtype(x.dtype).as_numpy_dtype, shape=self.shape, owner=self.owner)

    def check_batch(self, batch):
        """Check a batch of arrays as it is read and hand it on, as the tuple that Keras asks for."""
        batch = tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
        self.check(unpack(batch)[0])
        return batch

    def check_in_graph(self, *batch):
        """Check a batch in a `tf.data` map and hand it on."""
        batch = batch[0] if len(batch) == 1 else batch
        assert_values(unpack(batch)[0], support=self.support, integer=self.integer, owner=self.owner)
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
    """Take a batch apart: `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`, where x may be `{"x": …, "condition": …}`.

    Targets y have no use here and are left out.

    Parameters
    ----------
    batch : tensor, tuple or dict
        One batch.

    Returns
    -------
    tuple
        `(x, condition, sample_weight)`, the last two None where there are none.
    """
    x, _, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
    if isinstance(x, dict):
        if "x" not in x:
            raise ValueError(f"A batch that is a dictionary must have the key 'x'. Received: keys {sorted(x)}")
        return x["x"], x.get("condition"), sample_weight
    return x, None, sample_weight


def with_weights(batch):
    """Unpack a batch, with a weight of one for each example where there are none.

    Parameters
    ----------
    batch : tensor, tuple or dict
        One batch.

    Returns
    -------
    tuple
        `(x, condition, sample_weight)` with tensors x and sample_weight, the latter of shape (batch,).
    """
    x, condition, weights = unpack(batch)
    x = tf.convert_to_tensor(x)
    weights = tf.ones([tf.shape(x)[0]]) if weights is None else tf.cast(weights, tf.float32)
    return x, condition, weights


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
        rule.check_spec(unpack(data.element_spec)[0])
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
