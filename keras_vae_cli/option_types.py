"""What an option's words may be, beyond what typer knows by itself."""

import math

import typer

SCALE_MODES = ("learned", "optimal", "per_dimension")


def finite(value):
    """Refuse infinity and NaN: an option's callback.

    Parameters
    ----------
    value : float or None
        The option's value.

    Returns
    -------
    float or None
    """
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value


def positive(value):
    """Refuse what is not a finite number above 0: an option's callback.

    Parameters
    ----------
    value : float or None
        The option's value.

    Returns
    -------
    float or None
    """
    if finite(value) is not None and value <= 0:
        raise typer.BadParameter(f"{value:g} is not > 0.")
    return value


def share(value):
    """Refuse what is not between 0 and 1: an option's callback.

    Parameters
    ----------
    value : float or None
        The option's value.

    Returns
    -------
    float or None
    """
    if positive(value) is not None and value >= 1:
        raise typer.BadParameter(f"{value:g} is not < 1.")
    return value


def one_or_three(value):
    """Refuse numbers of channels that images do not have: an option's callback.

    Parameters
    ----------
    value : int or None
        The option's value.

    Returns
    -------
    int or None
    """
    if value not in (None, 1, 3):
        raise typer.BadParameter(f"{value} is neither 1 nor 3.")
    return value


def integers(text):
    """Read whole numbers above 0, with commas between them: an option's parser.

    Parameters
    ----------
    text : str
        Such as "32,64".

    Returns
    -------
    tuple of int
    """
    words = text.split(",")
    if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        raise typer.BadParameter(f"{text!r} is not whole numbers above 0 with commas between them, such as 32,64.")
    return tuple(map(int, words))


def scale_or_mode(text):
    """Read a standard deviation, or how it is found: an option's callback.

    Parameters
    ----------
    text : str or None
        A number or one of `SCALE_MODES`.

    Returns
    -------
    float, str or None
    """
    if text is None or text in SCALE_MODES:
        return text
    try:
        return positive(float(text))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is neither a number nor one of {', '.join(SCALE_MODES)}.") from error
