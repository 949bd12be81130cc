"""Checks of arguments, all with one form of message: what was expected, then what was received."""

import math
import numbers

import keras


def check_number(name, value, *, minimum=None, above=None):
    """Check that an argument is a finite real number, within a bound if one is given.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : float
        What was received.
    minimum : float, optional
        The smallest value allowed.
    above : float, optional
        A value that must be exceeded.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If `value` is not a finite number or is out of bounds.
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise ValueError(f"`{name}` must be a finite number. Received: {name}={value!r}")
    if minimum is not None and value < minimum:
        raise ValueError(f"`{name}` must be >= {minimum:g}. Received: {name}={value!r}")
    if above is not None and value <= above:
        raise ValueError(f"`{name}` must be > {above:g}. Received: {name}={value!r}")
    return float(value)


def check_integer(name, value, *, minimum=None):
    """Check that an argument is an integer, at least `minimum` if that is given.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : int
        What was received.
    minimum : int, optional
        The smallest value allowed.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If `value` is not an integer or is too small.
    """
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise ValueError(f"`{name}` must be an integer. Received: {name}={value!r}")
    if minimum is not None and value < minimum:
        raise ValueError(f"`{name}` must be >= {minimum}. Received: {name}={value!r}")
    return int(value)


def check_choice(name, value, choices):
    """Check that an argument is one of the strings (or None) allowed.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : str or None
        What was received.
    choices : sequence
        What is allowed.

    Returns
    -------
    str or None

    Raises
    ------
    ValueError
        If `value` is not among `choices`.
    """
    if not any(value is choice or value == choice for choice in choices):
        raise ValueError(f"`{name}` must be one of {list(choices)}. Received: {name}={value!r}")
    return value


_EVENT = "a tuple of positive integers without the batch, such as (28, 28, 1)"


def check_shape(name, value, *, expected=_EVENT):
    """Check that an argument is a non-empty tuple of positive integers: the shape of one event, usually.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : sequence of int
        What was received.
    expected : str
        What is allowed in words, as the end of "must be …".

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        If `value` is not such a shape.
    """
    try:
        shape = tuple(check_integer(name, size, minimum=1) for size in value)
    except (TypeError, ValueError):
        shape = ()
    if not shape:
        raise ValueError(f"`{name}` must be {expected}. Received: {name}={value!r}")
    return shape


def check_keras(needed, what, remedy):
    """Refuse what needs a newer Keras than the installed one.

    Parameters
    ----------
    needed : str
        The first version of Keras that has it, such as "3.13".
    what : str
        What needs it, the beginning of the message.
    remedy : str
        What else the user can do.

    Raises
    ------
    ImportError
        If the installed Keras is older.
    """

    def number(version):
        return tuple(int(part) for part in version.split(".")[:2])

    if number(keras.__version__) < number(needed):
        raise ImportError(
            f"{what} must have Keras {needed} or later: pip install 'keras>={needed}', or {remedy}. "
            f"Received: Keras {keras.__version__}"
        )


def check_range(name, value):
    """Check that an argument is a pair of finite numbers, the lower one first.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : pair of float
        What was received.

    Returns
    -------
    tuple of float

    Raises
    ------
    ValueError
        If `value` is not such a pair.
    """
    try:
        low, high = (check_number(name, bound) for bound in value)
    except (TypeError, ValueError):
        low, high = 0.0, 0.0
    if low >= high:
        raise ValueError(f"`{name}` must be a pair (low, high) with low < high. Received: {name}={value!r}")
    return low, high


def check_instance(name, value, types, expected):
    """Check that an argument is an instance of a type, described in words.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What was received.
    types : type or tuple of type
        What is allowed.
    expected : str
        The allowed types in words, as the end of "must be …".

    Returns
    -------
    object
        `value`.

    Raises
    ------
    TypeError
        If `value` is something else.
    """
    if not isinstance(value, types):
        raise TypeError(f"`{name}` must be {expected}. Received: {name}={value!r} of type {type(value).__name__}")
    return value


def last_activation(network: keras.layers.Layer) -> str:
    """Return the name of the activation in which a network ends, whatever reshapes its output then.

    Parameters
    ----------
    network : keras.layers.Layer
        A layer or a model.

    Returns
    -------
    str
        "softmax" for instance; empty where the last layer has no activation.
    """
    shaping = (keras.layers.Reshape, keras.layers.Flatten, keras.layers.Cropping2D, keras.layers.Permute)
    while getattr(network, "layers", None):
        network = next((last for last in reversed(network.layers) if not isinstance(last, shaping)), None)
    if isinstance(network, keras.layers.Softmax):
        return "softmax"
    return getattr(getattr(network, "activation", None), "__name__", "")
