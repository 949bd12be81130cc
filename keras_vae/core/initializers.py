"""Initializers that several weights share."""


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
