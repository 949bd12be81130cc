"""Checks of data against what a likelihood can take: arrays before training, streams as they are read."""

import numpy as np
import tensorflow as tf


def check_array(x, *, shape, support=None, integer=False, owner="the likelihood", float16=False, name="x"):
    """Check an array of observations: its shape, that it is finite, and that its values are in the support.

    Parameters
    ----------
    x : array_like
        Shape (n, *shape).
    shape : tuple of int
        The shape of one observation.
    support : pair of float, optional
        The lowest and the highest value allowed.
    integer : bool
        Whether values must be whole numbers.
    owner : str
        Who asks, for the message.
    float16 : bool
        Whether values must also fit into float16.
    name : str
        What is checked, for the message.

    Returns
    -------
    numpy.ndarray
        `x` as an array.

    Raises
    ------
    ValueError
        Naming what was expected and what came.
    """
    x = np.asarray(x)
    check_spec(x.shape, x.dtype, shape=shape, owner=owner, name=name)
    if len(x) == 0:
        raise ValueError(f"`{name}` must hold at least one example. Received: an empty array of shape {x.shape}")
    low, high = float(np.min(x)), float(np.max(x))
    if not (np.isfinite(low) and np.isfinite(high)):
        row = int(np.argmin(np.isfinite(x.reshape(len(x), -1)).all(axis=1)))
        raise ValueError(f"`{name}` must be finite. Received: NaN or infinity, first in example {row}")
    if support is not None and (low < support[0] or high > support[1]):
        message = _support_message(name, owner, support, integer)
        raise ValueError(f"{message} Received: {x.dtype} values from {low:g} to {high:g}")
    if integer and not np.array_equal(x, np.round(x)):
        fraction = x[x != np.round(x)][0]
        raise ValueError(f"`{name}` must hold whole numbers for {owner}. Received: values such as {fraction:g}")
    if float16 and max(-low, high) > float(np.finfo(np.float16).max):
        raise ValueError(
            f"`{name}` must fit into float16 (at most 65504 in size) under the policy mixed_float16: rescale it or "
            f"take mixed_bfloat16. Received: values from {low:g} to {high:g}"
        )
    return x


def check_spec(received, dtype, *, shape, owner="the likelihood", name="x"):
    """Check the shape and the dtype of a batch or an array, without looking at its values.

    Parameters
    ----------
    received : tuple
        The batch's shape, its first axis the batch; unknown sizes are None.
    dtype : numpy.dtype
        The batch's dtype.
    shape : tuple of int
        The shape of one observation.
    owner : str
        Who asks, for the message.
    name : str
        What is checked, for the message.

    Raises
    ------
    ValueError
        If the rank, a size or the dtype is wrong.
    """
    fits = len(received) == len(shape) + 1 and all(
        size is None or size == expected for size, expected in zip(received[1:], shape, strict=True)
    )
    if not fits:
        hint = ""
        if tuple(received) == tuple(shape):
            hint = " Add the batch axis: `x[None]` for an array, `.batch(n)` for a data set."
        elif len(received) == len(shape) and shape[-1] == 1:
            hint = " Add the channel axis with `x[..., None]`."
        expected = ", ".join(["batch", *map(str, shape)])
        raise ValueError(f"`{name}` must have shape ({expected}) for {owner}.{hint} Received: shape {tuple(received)}")
    kind = "f" if dtype == tf.bfloat16.as_numpy_dtype else np.dtype(dtype).kind
    if kind not in "fiub":
        raise ValueError(f"`{name}` must be numeric for {owner}. Received: dtype {dtype}")


def assert_values(x, *, support=None, integer=False, owner="the likelihood", name="x"):
    """Check the values of a batch inside a `tf.data` pipeline, where an assertion does raise (XLA drops them).

    Parameters
    ----------
    x : tf.Tensor
        Shape (batch, ...).
    support : pair of float, optional
        The lowest and the highest value allowed.
    integer : bool
        Whether values must be whole numbers.
    owner : str
        Who asks, for the message.
    name : str
        What is checked, for the message.

    Returns
    -------
    tf.Tensor
        `x`.
    """
    values = tf.cast(x, tf.float32)
    # NaN and infinity become NaN here, and one sum finds them all.
    tf.debugging.Assert(tf.reduce_sum(values * 0.0) == 0.0, [f"`{name}` must be finite. Received: NaN or infinity"])
    if support is not None:
        low, high = tf.reduce_min(values), tf.reduce_max(values)
        inside = tf.logical_and(low >= support[0], high <= support[1])
        message = _support_message(name, owner, support, integer) + " Received: values from, to"
        tf.debugging.Assert(inside, [message, low, high])
    if integer:
        whole = tf.reduce_all(values == tf.round(values))
        tf.debugging.Assert(whole, [f"`{name}` must hold whole numbers for {owner}. Received: fractions"])
    return x


def _support_message(name, owner, support, integer):
    low, high = support
    hint = ""
    if tuple(support) == (0, 1) and not integer:
        hint = " Divide 8-bit images by 255, or let `keras_vae.data.pipeline` do it."
    return f"`{name}` must be in [{low:g}, {high:g}] for {owner}.{hint}"
