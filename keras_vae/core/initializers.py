"""Initializers: from any Keras's config, and shared by several weights."""

import keras

_LATER = ("input_axes", "output_axes")  # arguments that later versions of Keras have and write


def as_initializer(given):
    """Resolve an initializer as Keras does; a file of a later Keras may name arguments that this one lacks.

    Parameters
    ----------
    given : str, dict, callable or keras.initializers.Initializer
        A name, a config, or the initializer itself.

    Returns
    -------
    keras.initializers.Initializer or callable
    """
    if isinstance(given, dict) and isinstance(given.get("config"), dict):
        config = {name: value for name, value in given["config"].items() if value is not None or name not in _LATER}
        given = {**given, "config": config}
    return keras.initializers.get(given)


def fresh(initializer):
    """Copy an initializer: one instance gives every weight of a shape the same values.

    Parameters
    ----------
    initializer : keras.initializers.Initializer or callable
        What to copy; a plain function is returned as it is.

    Returns
    -------
    keras.initializers.Initializer or callable
    """
    return initializer.clone() if hasattr(initializer, "clone") else initializer
