"""What the values of one field of a batch must be like: the checks of arrays and of tensors in graphs."""

import contextlib
import difflib
import logging
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

_logger = logging.getLogger("keras_vae")
_REMARKS: set[tuple] = set()
# Data beyond this many scales are probably in the wrong unit.
_LARGEST_SPREAD = 100.0


class Values(NamedTuple):
    """What one field of a batch must hold.

    Attributes
    ----------
    shape : tuple of int
        The shape of one example.
    support : tuple of float, optional
        The lowest and the highest value.
    integer : bool
        Whether values are whole numbers.
    one_hot : bool
        Whether the last axis holds the code of a category: one 1, and zeros.
    owner : str
        Who asks, for messages.
    float16 : bool
        Whether values must fit into float16.
    scale : float, optional
        The scale that the likelihood begins with; data far out of proportion to it cause a warning.
    remedy : str
        What helps where values are NaN, for messages.
    names : tuple of str, optional
        The names of whole numbers, from 0.
    """

    shape: tuple
    support: tuple | None = None
    integer: bool = False
    one_hot: bool = False
    owner: str = "the likelihood"
    float16: bool = False
    scale: float | None = None
    remedy: str = ""
    names: tuple[str, ...] | None = None

    def check(self, values: Any, name: str = "x", observed: np.ndarray | None = None) -> np.ndarray:
        """Check an array's shape and values.

        Parameters
        ----------
        values : array_like
            Shape (n, *shape).
        name : str
            What it is, for messages.
        observed : numpy.ndarray, optional
            A mask: values are looked at where it is 1 alone.

        Returns
        -------
        numpy.ndarray
            `values` as an array.

        Raises
        ------
        ValueError
            Naming what was expected and what came.
        """
        values = as_array(values, name)
        self.check_spec(values.shape, values.dtype, name)
        if len(values) == 0:
            raise ValueError(
                f"`{name}` must hold at least one example. Received: an empty array of shape {values.shape}"
            )
        seen = (
            values
            if observed is None
            else values[np.broadcast_to(right_aligned(observed, values.ndim), values.shape) != 0]
        )
        if seen.size == 0:
            return values
        low, high = float(np.min(seen)), float(np.max(seen))
        if not (np.isfinite(low) and np.isfinite(high)):
            if observed is not None:
                raise ValueError(f"`{name}` must be finite where the mask is 1. Received: NaN or infinity")
            row = int(np.argmin(np.isfinite(values.reshape(len(values), -1)).all(axis=1)))
            remedy = f". {self.remedy}" if self.remedy and np.isnan(seen).any() else ""
            raise ValueError(f"`{name}` must be finite. Received: NaN or infinity, first in example {row}{remedy}")
        if self.support is not None and (low < self.support[0] or high > self.support[1]):
            message = self._support_message(name, low, high)
            raise ValueError(f"{message} Received: {values.dtype} values from {low:g} to {high:g}")
        if self.integer and not np.array_equal(seen, np.round(seen)):
            fraction = seen[seen != np.round(seen)][0]
            raise ValueError(
                f"`{name}` must hold whole numbers for {self.owner}. Received: values such as {fraction:g}"
            )
        if self.one_hot:
            sums = values.sum(axis=-1)
            if observed is not None:
                sums = np.where(np.broadcast_to(right_aligned(observed, values.ndim), values.shape)[..., 0], sums, 1.0)
            if not (sums == 1.0).all():
                raise ValueError(f"{self._code_message(name)} Received: one of {sums[sums != 1.0][0]:g} ones")
        if self.float16 and max(-low, high) > float(np.finfo(np.float16).max):
            raise ValueError(
                f"`{name}` must fit into float16 (at most 65504 in size) under the policy mixed_float16: rescale it or "
                f"take mixed_bfloat16. Received: values from {low:g} to {high:g}"
            )
        if self.scale is not None and high - low > _LARGEST_SPREAD * self.scale:
            self._remark_on_scale(name, low, high)
        return values

    def check_spec(self, received: tuple, dtype: Any, name: str = "x") -> None:
        """Check the shape and the dtype of a batch or an array, without looking at its values.

        Parameters
        ----------
        received : tuple
            The shape, its first axis the batch; unknown sizes are None.
        dtype : numpy.dtype
            The dtype.
        name : str
            What it is, for messages.

        Raises
        ------
        ValueError
            If the rank, a size or the dtype is wrong.
        """
        shape = self.shape
        fits = len(received) == len(shape) + 1 and all(
            size is None or size == expected for size, expected in zip(received[1:], shape, strict=True)
        )
        if not fits:
            hint = ""
            if tuple(received) == tuple(shape):
                hint = " Add the batch axis: `x[None]` for an array, `.batch(n)` for a data set."
            elif len(received) == len(shape) and shape[-1] == 1:
                hint = " Add the channel axis with `x[..., None]`."
            elif not shape and len(received) == 2:
                column = received[1] == 1
                hint = " Take `y[:, 0]` of a column." if column else " Take `y.argmax(-1)` of one-hot labels."
            expected = ", ".join(["batch", *map(str, shape)]) + ("," if not shape else "")
            raise ValueError(
                f"`{name}` must have shape ({expected}) for {self.owner}.{hint} Received: shape {tuple(received)}"
            )
        if not is_numeric(dtype):
            raise ValueError(f"`{name}` must be numeric for {self.owner}.{_hint(dtype)} Received: dtype {dtype}")

    def assert_values(self, values: tf.Tensor, name: str = "x", observed: tf.Tensor | None = None) -> tf.Tensor:
        """Check values inside a `tf.data` pipeline, where an assertion does raise (XLA drops them).

        Parameters
        ----------
        values : tf.Tensor
            Shape (batch, *shape).
        name : str
            What it is, for messages.
        observed : tf.Tensor, optional
            A mask: values are looked at where it is 1 alone.

        Returns
        -------
        tf.Tensor
            `values`.
        """
        seen = tf.cast(values, tf.float32)
        if observed is not None:
            blank = 0.0 if self.support is None else float(self.support[0])
            seen = tf.where(tf.cast(right_aligned(observed, seen.shape.rank), tf.bool), seen, blank)
        # NaN and infinity become NaN here, and one sum finds them all.
        finite = tf.debugging.Assert(
            tf.reduce_sum(seen * 0.0) == 0.0,
            [f"`{name}` must be finite. Received: NaN or infinity" + f". {self.remedy}" * bool(self.remedy)],
        )
        checks = [finite]
        low, high = tf.reduce_min(seen), tf.reduce_max(seen)
        if self.support is not None:
            inside = tf.logical_and(low >= self.support[0], high <= self.support[1])
            inside = tf.logical_or(inside, tf.equal(tf.size(seen), 0))
            message = self._support_message(name) + " Received: values from, to"
            checks.append(tf.debugging.Assert(inside, [message, low, high]))
        if self.integer:
            whole = tf.reduce_all(seen == tf.round(seen))
            message = f"`{name}` must hold whole numbers for {self.owner}. Received: fractions"
            checks.append(tf.debugging.Assert(whole, [message]))
        if self.one_hot:
            sums = tf.reduce_sum(seen, axis=-1)
            if observed is not None:
                whole = tf.broadcast_to(tf.cast(right_aligned(observed, seen.shape.rank), tf.bool), tf.shape(seen))
                sums = tf.where(whole[..., 0], sums, 1.0)
            message = self._code_message(name) + " Received: another number of ones"
            checks.append(tf.debugging.Assert(tf.reduce_all(sums == 1.0), [message]))
        if self.scale is not None:
            remark = lambda low, high: self._remark_on_scale(name, float(low), float(high))  # noqa: E731
            tf.cond(
                high - low > _LARGEST_SPREAD * self.scale,
                lambda: tf.py_function(remark, [low, high], []),
                lambda: tf.no_op(),
            )
        with tf.control_dependencies([check for check in checks if check is not None]):
            return tf.identity(values)

    def blank(self, size: int) -> np.ndarray:
        """Return examples of the lowest value that is allowed, or of zeros; of the first category, where x is a code.

        Parameters
        ----------
        size : int
            How many.

        Returns
        -------
        numpy.ndarray
            Shape (size, *shape).
        """
        lowest = 0.0 if self.support is None else self.support[0]
        values = np.full([size, *self.shape], lowest, np.float32)
        if self.one_hot:
            values[..., 0] = 1.0
        return values

    def _support_message(self, name, low=None, high=None):
        hints = [" Divide 8-bit images by 255, or let `keras_vae.data.pipeline` do it."] * (high is None or high > 1)
        hints += [" Take `(x + 1) / 2` of values from -1 to 1."] * (low is None or (-1.0 <= low < 0.0 and high <= 1.0))
        hint = "".join(hints) if tuple(self.support) == (0, 1) and not self.integer else ""
        return f"`{name}` must be in [{self.support[0]:g}, {self.support[1]:g}] for {self.owner}.{hint}"

    def _code_message(self, name):
        return (
            f"`{name}` must hold one 1 and zeros along its last axis for {self.owner}. Zeros alone may stand for an "
            "unknown category: make it a category, or hide it by a mask."
        )

    def _remark_on_scale(self, name, low, high):
        remark(
            ("scale", self.owner, name),
            logging.WARNING,
            "`%s` has values from %g to %g, and %s begins with a scale of %g: rescale the data, or give the scale.",
            *(name, low, high, self.owner, self.scale),
        )


def as_array(values, name="x") -> np.ndarray:
    """Return an array of numbers: of arrays, tensors, nested lists, data frames and h5py's data sets.

    What a masked array hides is NaN.

    Parameters
    ----------
    values : array_like
        What was passed.
    name : str
        What it is, for the message.

    Returns
    -------
    numpy.ndarray

    Raises
    ------
    ValueError
        If it is ragged, or holds no numbers.
    """
    if np.ma.is_masked(values):  # what is masked is missing
        values = np.ma.asarray(values, float).filled(np.nan)
    try:
        array = np.asarray(values)
        if array.dtype == object and hasattr(values, "to_numpy"):  # a data frame's columns that may be null
            with contextlib.suppress(TypeError, ValueError):
                array = values.to_numpy("float64", na_value=np.nan)
    except ValueError as error:
        raise ValueError(f"`{name}` must be a rectangular array of numbers. Received: {error}") from error
    if not is_numeric(array.dtype):
        raise ValueError(
            f"`{name}` must be numeric for the model.{_hint(array.dtype)} "
            f"Received: dtype {array.dtype}, {type(values).__name__}"
        )
    return array


def numbered(values: Any, names: tuple[str, ...] | None) -> Any:
    """Return the numbers of names, in any case; what holds no strings, or has no names, stays as it is.

    Parameters
    ----------
    values : array_like
        Names or numbers.
    names : tuple of str, optional
        The names, in the order of their numbers.

    Returns
    -------
    array_like

    Raises
    ------
    ValueError
        If there is no such name.
    """
    if names is None or tf.is_tensor(values) or isinstance(values, tf.TypeSpec):
        return values
    words = np.asarray(values)
    are_strings = words.dtype == object and all(isinstance(word, str) for word in words.ravel())
    if not are_strings and words.dtype.kind not in "US":
        return values
    words = words.astype(str)
    numbers = {name.casefold(): number for number, name in enumerate(names)}
    for word in words.ravel():
        if word.casefold() not in numbers:
            near = difflib.get_close_matches(word.casefold(), numbers, n=1, cutoff=0.4)
            hint = f" Did you mean {names[numbers[near[0]]]!r}?" if near else ""
            raise ValueError(f"`condition` must be among {list(names)}.{hint} Received: {str(word)!r}")
    return np.array([numbers[word.casefold()] for word in words.ravel()]).reshape(words.shape)


def right_aligned(mask: Any, rank: int) -> Any:
    """Give a mask trailing axes of size 1 up to a rank.

    Parameters
    ----------
    mask : tensor or array
        Shape (batch, ...).
    rank : int
        The rank wanted.

    Returns
    -------
    tensor or array
    """
    missing = rank - len(mask.shape)
    return mask[(..., *[None] * missing)] if missing > 0 else mask


def is_numeric(dtype):
    return dtype == tf.bfloat16.as_numpy_dtype or np.dtype(dtype).kind in "fiub"


def _hint(dtype):
    """Say how names become numbers, where there may be names."""
    may_be_names = np.dtype(dtype).kind in "USTO"
    return " Number names by `names, y = np.unique(y, return_inverse=True)`." * may_be_names


def remark(key: tuple, level: int, message: str, *args: Any) -> None:
    """Log a message, once in a process.

    Parameters
    ----------
    key : tuple
        What it is about: another message of the same key is not logged.
    level : int
        As `logging` has them.
    message : str
        With places for `args`.
    *args
        What the message shows.
    """
    if key not in _REMARKS:
        _REMARKS.add(key)
        _logger.log(level, message, *args)
