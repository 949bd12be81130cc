"""The batch that all verbs pass to all parts, the function that makes it and the spec that checks it."""

import difflib
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_vae.core.values import Values, as_array, is_numeric, numbered, remark, right_aligned


class Batch(NamedTuple):
    """One batch, or a whole data set in arrays.

    Attributes
    ----------
    x : tensor or array
        Shape (batch, *x_shape): what the encoder sees.
    condition : tensor or array, optional
        Shape (batch, *value_shape of the model's condition), raw values; one value for all becomes a row for each.
    mask : tensor or array, optional
        1 where an element is observed, 0 where it is not. Its shape, after the batch, is that of an event or begins as
        that of an event does: (batch, time) for sequences (time, channels). The rest is broadcast.
    target : tensor or array, optional
        Shape (batch, *x_shape): what the likelihood scores, where that is not x.
    sample_weight : tensor or array, optional
        Shape (batch,): the weight of each example in averages over the batch.
    """

    x: Any
    condition: Any = None
    mask: Any = None
    target: Any = None
    sample_weight: Any = None

    @property
    def event(self):
        """What the likelihood scores: the target, or x where there is none."""
        return self.x if self.target is None else self.target

    @property
    def fields(self) -> dict:
        """The fields that are there, by name: the form in which batches travel through `tf.data` and graphs."""
        return {name: value for name, value in self._asdict().items() if value is not None}

    def map(self, function: Callable[[Any], Any]) -> "Batch":
        """Apply a function to each field that is there.

        Parameters
        ----------
        function : callable
            From the rows of a field to others.

        Returns
        -------
        Batch
        """
        return Batch(**{name: function(value) for name, value in self.fields.items()})

    def rows(self, start: int, stop: int) -> "Batch":
        """Return the examples from `start` up to `stop`.

        Parameters
        ----------
        start, stop : int
            As in a slice.

        Returns
        -------
        Batch
        """
        return self.map(lambda value: value[start:stop])


class Spec(NamedTuple):
    """What a model takes: the check that all verbs share.

    Attributes
    ----------
    x : Values
        What observations must be like.
    condition : Values, optional
        What the raw values of the condition must be like; None for a model without one.
    maskable : bool
        Whether the likelihood scores single elements, so that a mask can leave some out.
    dtype : str, optional
        The precision of arrays of floating-point numbers; None for their own.
    event_shape : tuple of int, optional
        What masks are of, where that is not the shape of x.
    missing : bool
        Whether NaN in x or in the target is a gap. Each checked batch then has a mask of the shape of events: 1 where
        the batch's own mask is 1 and neither x nor the target is NaN.
    """

    x: Values
    condition: Values | None = None
    maskable: bool = True
    dtype: str | None = "float32"
    event_shape: tuple | None = None
    missing: bool = False

    def batch(self, data, y=None, sample_weight=None, *, class_weight=None) -> Batch:
        """Make a batch of whatever a user passes, as arrays or as tensors, without looking at its values.

        Parameters
        ----------
        data : Batch, array_like, tensor, dict or tuple
            x, `(x,)`, `(x, y)`, `(x, y, sample_weight)`, or a dictionary of fields in place of x.
        y : array_like or tensor, optional
            Of the shape of x it is the target; what fits the model's condition is the condition; other labels are left
            out, and the log says so once.
        sample_weight : array_like or tensor, optional
            Shape (batch,) or (batch, 1).
        class_weight : dict, optional
            From the whole number of a class, as y has it, to the weight of its examples.

        Returns
        -------
        Batch

        Raises
        ------
        ValueError
            If a field is unknown or given twice, or has another shape than the model's.
        """
        if data is None:
            raise ValueError("`x` must be given. Received: None")
        if isinstance(data, list) and len(data) == 1 and len(np.shape(data[0])) == len(self.x.shape) + 1:
            data = data[0]  # a list that holds one input
        if isinstance(data, tuple) and not isinstance(data, Batch):
            if not 1 <= len(data) <= 3:
                raise ValueError(f"A batch must be x, (x, y) or (x, y, sample_weight). Received: {len(data)} entries")
            x, own_y, own_weight = (*data, None, None)[:3]
            own_y = None if isinstance(own_y, tuple) and not own_y else own_y  # how `tf.data` writes None
            for name, own, other in (("y", own_y, y), ("sample_weight", own_weight, sample_weight)):
                _once(name, own, other)
            y, sample_weight = (y if own_y is None else own_y), (sample_weight if own_weight is None else own_weight)
            data = x
        if isinstance(data, Batch):
            fields = data.fields
        elif isinstance(data, Mapping):
            fields = _known(data)
        else:
            fields = {"x": data}
        if self.condition is not None and self.condition.names is not None:
            y = numbered(y, self.condition.names)
            if fields.get("condition") is not None:
                fields["condition"] = numbered(fields["condition"], self.condition.names)
        fields = {name: _tensor_or_array(value, name) for name, value in fields.items()}
        y = None if y is None or y is data else _tensor_or_array(y, "y")
        if class_weight is not None:
            _once("sample_weight", sample_weight, class_weight, "class_weight")
            sample_weight = _of_classes(y if y is not None else fields.get("condition"), class_weight)
        if sample_weight is not None:
            _once("sample_weight", fields.get("sample_weight"), sample_weight)
            fields["sample_weight"] = _tensor_or_array(sample_weight, "sample_weight")
        if self.condition is not None and "condition" in fields:
            fields["condition"] = _for_each(fields["x"], fields["condition"], self.condition.shape)
        if y is not None:
            role = self._role(y, fields, is_used=class_weight is not None)
            if role is not None:
                _once(role, fields.get(role), y, "y")
                fields[role] = y
        if "sample_weight" in fields:
            fields["sample_weight"] = _vector(fields["sample_weight"])
        batch = Batch(**fields)
        self._check_shapes(batch)
        if batch.mask is not None and not isinstance(batch.mask, tf.TypeSpec):
            # One rank, so that a graph of one form of mask takes the others.
            rank = 1 + len(self.x.shape if self.event_shape is None else self.event_shape)
            batch = batch._replace(mask=right_aligned(batch.mask, rank))
        return batch

    def arrays(self, data, y=None, sample_weight=None, *, class_weight=None) -> Batch:
        """Make a batch of arrays and check their values.

        Parameters
        ----------
        data, y, sample_weight, class_weight
            As in `batch`.

        Returns
        -------
        Batch
            Of NumPy arrays, each with a row for each example.

        Raises
        ------
        ValueError
            If a field is empty, not finite, of another length, or out of what the model takes.
        """
        batch = self.batch(data, y, sample_weight, class_weight=class_weight).map(np.asarray)
        for name, values in batch.fields.items():
            if len(values) != len(batch.x):
                raise ValueError(
                    f"`{name}` must have one row for each of the {len(batch.x)} examples. Received: {len(values)}"
                )
        if batch.mask is not None and not np.isin(batch.mask, (0, 1)).all():
            raise ValueError("`mask` must hold 1 where x is observed and 0 elsewhere. Received: other values")
        batch = self._with_gaps(batch)
        for name, values in batch.fields.items():
            if name == "sample_weight":
                _check_weights(values)
            elif name != "mask":
                self._values(name, batch).check(values, name, batch.mask if name != "condition" else None)
        if self.dtype is not None:  # one precision, so that one trace fits all
            batch = batch.map(lambda values: values.astype(self.dtype) if values.dtype.kind == "f" else values)
        return _hidden(batch)

    def asserted(self, batch: Batch) -> Batch:
        """Check the values of a batch of tensors inside a `tf.data` pipeline.

        Parameters
        ----------
        batch : Batch
            What `batch` made.

        Returns
        -------
        Batch
        """
        checked = {}
        for name, values in batch.fields.items():
            sizes = [tf.shape(values)[0], tf.shape(batch.x)[0]]
            message = f"`{name}` must have one row for each example. Received: rows, examples"
            checked[name] = _asserted(sizes[0] == sizes[1], [message, sizes], values)
        if "mask" in checked:
            mask = tf.cast(checked["mask"], tf.float32)
            is_mask = tf.reduce_all((mask == 0.0) | (mask == 1.0))
            message = "`mask` must hold 1 where x is observed and 0 elsewhere. Received: other values"
            checked["mask"] = _asserted(is_mask, [message], mask)
        batch = self._with_gaps(Batch(**checked))
        checked = batch.fields
        for name, values in batch.fields.items():
            if name == "sample_weight":
                message = "`sample_weight` must be finite and >= 0. Received: other values"
                values = tf.cast(values, self.dtype or tf.float32)
                good = tf.reduce_all(tf.math.is_finite(values) & (values >= 0))
                checked[name] = _asserted(good, [message], values)
            elif name != "mask":
                observed = batch.mask if name != "condition" else None
                checked[name] = self._values(name, batch).assert_values(values, name, observed)
        return _hidden(Batch(**checked))

    def blank(self, size: int) -> Batch:
        """Return examples that every model takes: the lowest values that are allowed, or zeros.

        Parameters
        ----------
        size : int
            How many.

        Returns
        -------
        Batch
            Of arrays.
        """
        found = {"x": self.x, "condition": self.condition}
        return Batch(**{name: values.blank(size) for name, values in found.items() if values is not None})

    def tensors(self, data) -> Batch:
        """Make a batch of tensors, in which what the mask hides is zero.

        Parameters
        ----------
        data : Batch, array_like, tensor, dict or tuple
            As in `batch`.

        Returns
        -------
        Batch
        """
        batch = self.batch(data)
        if isinstance(batch.x, keras.KerasTensor):
            return batch
        for name, values in batch.fields.items():
            if None not in (sizes := (values.shape[0], batch.x.shape[0])) and sizes[0] != sizes[1]:
                raise ValueError(
                    f"`{name}` must have one row for each of the {sizes[1]} examples. Received: {sizes[0]}"
                )
        return _hidden(self._with_gaps(batch.map(tf.convert_to_tensor)))

    def _with_gaps(self, batch):
        """Give a batch in which NaN is a gap its mask, of the shape of events."""
        if not self.missing:
            return batch
        rank = 1 + len(self.x.shape if self.event_shape is None else self.event_shape)
        observed = _is_number(batch.x, rank)
        if batch.target is not None:
            observed &= _is_number(batch.target, rank)
        if batch.mask is not None:
            observed &= tf.cast(batch.mask, tf.bool) if tf.is_tensor(batch.mask) else batch.mask != 0
        cast = np.ndarray.astype if isinstance(observed, np.ndarray) else tf.cast
        return batch._replace(mask=cast(observed, "float32"))

    def _values(self, name, batch):
        if name == "condition":
            return self.condition
        # What an encoder sees of a corrupted x need not be possible as an observation.
        is_input = name == "x" and batch.target is not None
        return self.x._replace(support=None, integer=False) if is_input else self.x

    def _check_shapes(self, batch):
        for name, values in batch.fields.items():
            if name == "sample_weight" or values.shape is None or _rank(values) is None:
                continue
            if name == "mask":
                self._check_mask(values)
            elif name == "condition" and self.condition is None:
                raise ValueError("`condition` must be left out: the model was made without one. Received: values")
            else:
                self._values(name, batch).check_spec(tuple(values.shape), _dtype(values), name)
        if self.condition is not None and batch.condition is None:
            taken = "" if batch.target is None else ", for what is as large as x is the target"
            raise ValueError(
                f"`condition` must be given for {self.condition.owner}: pass a dictionary "
                f'{{"x": ..., "condition": ...}}, or the condition as y. Received: None{taken}'
            )

    def _check_mask(self, mask):
        if not self.maskable:
            raise ValueError(
                f"`mask` must be left out for {self.x.owner}, which does not score single elements. Received: a mask"
            )
        sizes, shape = tuple(mask.shape)[1:], self.x.shape if self.event_shape is None else self.event_shape
        fits = len(sizes) <= len(shape) and all(
            size in (None, 1, expected) for size, expected in zip(sizes, shape, strict=False)
        )
        if not sizes or not fits:
            raise ValueError(
                f"`mask` must have the shape of an event, {shape}, or its beginning, after the batch. "
                f"Received: shape {tuple(mask.shape)}"
            )

    def _role(self, y, fields, is_used):
        """Decide what y is: "target", "condition", or None for labels that have no use here."""
        rank = _rank(y)
        if rank is not None:
            if _fits(self.x, y):
                if self.missing and np.dtype(_dtype(y)).kind == "b":
                    raise ValueError(
                        '`y` must be a target; a mask has a name: `{"x": x, "mask": mask}`. '
                        "Received: booleans of the shape of x"
                    )
                return "target"
            if self.condition is not None and "condition" not in fields and _fits(self.condition, y):
                return "condition"
        if not is_numeric(_dtype(y)) or rank == 0:
            raise ValueError(
                "`y` must be a target of the shape of x, a condition, or labels, one for each example. "
                f"Received: {_dtype(y)} of shape {tuple(y.shape)}"
            )
        lengths = [None if _rank(values) in (None, 0) else values.shape[0] for values in (fields["x"], y)]
        if None not in lengths and lengths[0] != lengths[1]:
            raise ValueError(f"`y` must have one row for each of the {lengths[0]} examples. Received: {lengths[1]}")
        sizes = tuple(y.shape)[1:]
        if len(sizes) > 0 and None not in sizes and np.prod(sizes) == np.prod(self.x.shape) and self.condition is None:
            raise ValueError(
                f"`y` must have shape (batch, {', '.join(map(str, self.x.shape))}) to be the target, or be left out. "
                f"Received: shape {tuple(y.shape)}, with as many elements"
            )
        if self.condition is None and is_used:
            return None
        if self.condition is None:
            remark(
                ("labels", self.x.owner),
                logging.WARNING,
                "The labels `y` are left out: the model has no condition, and their shape is not that of x.",
            )
            return None
        return "condition"


def _asserted(condition, message, values):
    with tf.control_dependencies([tf.debugging.Assert(condition, message)]):
        return tf.identity(values)


def _is_number(values, rank):
    """Return which elements are numbers and not gaps; a one-hot code is one element."""
    numbers, beyond = values == values, tuple(range(rank, len(values.shape)))  # LiteRT has no `is_nan`
    return numbers.all(axis=beyond) if isinstance(numbers, np.ndarray) else tf.reduce_all(numbers, axis=beyond)


def _hidden(batch):
    """Put zeros where x and the target are not observed, so that nothing sees what is hidden."""
    if batch.mask is None:
        return batch

    def hide(values):
        if values is None:
            return None
        mask = right_aligned(batch.mask, len(values.shape))
        if isinstance(values, np.ndarray):
            return np.where(mask != 0, values, np.zeros([], values.dtype))
        return tf.where(tf.cast(mask, tf.bool), values, tf.zeros([], values.dtype))

    return batch._replace(x=hide(batch.x), target=hide(batch.target))


def _for_each(x, condition, shape):
    """Give each example a row of a condition that is one value for all."""
    if _rank(condition) != len(shape) or tuple(condition.shape) != tuple(shape):
        return condition
    if isinstance(condition, tf.TypeSpec):
        return tf.TensorSpec([None, *shape], condition.dtype)
    if isinstance(x, np.ndarray) and isinstance(condition, np.ndarray):
        return np.broadcast_to(condition, (len(x), *shape))
    return tf.broadcast_to(condition, [tf.shape(x)[0], *shape])


def _known(data):
    for key in data:
        if key not in Batch._fields:
            words = [*Batch._fields, "weight"]
            near = difflib.get_close_matches(str(key), words, n=1, cutoff=0.5)
            near = ["sample_weight"] if near == ["weight"] else near
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"A batch must have no other keys than {list(Batch._fields)}.{hint} Received: {key!r}")
    if data.get("x") is None:
        raise ValueError(f"A batch that is a dictionary must have the key 'x'. Received: keys {sorted(data)}")
    return {name: value for name, value in data.items() if value is not None}


def _once(name, first, second, other=None):
    if first is not None and second is not None:
        raise ValueError(
            f"`{name}` must be given once. Received: two values" + (f", the other by `{other}`" * bool(other))
        )


def _tensor_or_array(value, name):
    if isinstance(value, (tf.SparseTensor, tf.SparseTensorSpec)):
        raise ValueError(f"`{name}` must be dense: use `tf.sparse.to_dense`. Received: a sparse tensor")
    if isinstance(value, (tf.RaggedTensor, tf.RaggedTensorSpec)):
        raise ValueError(
            f"`{name}` must be a rectangular array: pad it, and pass a `mask` of shape (batch, time) with 1 where "
            "there is data. Received: a ragged tensor"
        )
    if not isinstance(value, (tf.TypeSpec, tf.Variable, keras.KerasTensor)) and not tf.is_tensor(value):
        return as_array(value, name)
    if _rank(value) is None:
        raise ValueError(
            f"`{name}` must have a known rank: give the shapes of the data set, as by `output_signature` of "
            "`from_generator`. Received: a tensor of unknown rank"
        )
    return value


def _vector(weights):
    rank = _rank(weights)
    if rank == 2 and weights.shape[1] in (1, None):
        if isinstance(weights, tf.TypeSpec):
            return weights
        return (tf.ensure_shape(weights, [None, 1]) if weights.shape[1] is None else weights)[:, 0]
    if rank not in (None, 1):
        raise ValueError(
            "`sample_weight` must have shape (batch,): one weight for each example. To leave single elements or time "
            f"steps out, pass a `mask`. Received: shape {tuple(weights.shape)}"
        )
    return weights


def _of_classes(labels, class_weight):
    """Return the weight of each example by its class, as Keras does."""
    if isinstance(labels, tf.TypeSpec):
        return tf.TensorSpec([None], tf.float32)
    if labels is None or not isinstance(class_weight, Mapping):
        raise ValueError(
            "`class_weight` must be a dictionary from classes to weights, given with labels `y`. "
            f"Received: class_weight={class_weight!r}" + (" and no labels" if labels is None else "")
        )
    if _rank(labels) == 2:
        labels = labels[:, 0] if labels.shape[1] == 1 else tf.argmax(labels, axis=1)
    elif _rank(labels) != 1:
        raise ValueError(f"`class_weight` must have labels of shape (batch,). Received: shape {tuple(labels.shape)}")
    class_weight = {_class_number(label): float(weight) for label, weight in class_weight.items()}
    if isinstance(labels, np.ndarray):
        return np.array([class_weight.get(int(label), 1.0) for label in np.round(labels)], np.float32)
    labels = tf.round(labels) if labels.dtype.is_floating else labels
    weights = tf.ones(tf.shape(labels), tf.float32)
    for label, weight in class_weight.items():
        weights = tf.where(tf.cast(labels, tf.int64) == label, tf.cast(weight, tf.float32), weights)
    return weights


def _class_number(label):
    try:
        number = float(label)
    except (TypeError, ValueError):
        number = np.nan
    if number % 1 != 0:
        raise ValueError(f"`class_weight` must have the numbers of classes as keys. Received: the key {label!r}")
    return int(number)


def _check_weights(weights):
    if not np.all(np.isfinite(weights) & (weights >= 0)):
        raise ValueError(
            f"`sample_weight` must be finite and >= 0. Received: values from {np.min(weights):g} to {np.max(weights):g}"
        )


def _fits(values, y):
    sizes = tuple(y.shape)[1:]
    return len(sizes) == len(values.shape) and all(
        size in (None, expected) for size, expected in zip(sizes, values.shape, strict=True)
    )


def _rank(values):
    return tf.TensorShape(values.shape).rank


def _dtype(values):
    return tf.as_dtype(values.dtype).as_numpy_dtype if not isinstance(values, np.ndarray) else values.dtype
