"""How settings are named and shown on the command line."""

import os


def is_folder(dataset):
    """Tell a folder of images from the name of a data set, by the slash.

    Parameters
    ----------
    dataset : str
        What the user gave.

    Returns
    -------
    bool
    """
    return "/" in dataset or os.sep in dataset


def flag_of(name):
    """Return the words by which a field is known on the command line.

    Parameters
    ----------
    name : str
        The field's name.

    Returns
    -------
    str
    """
    return name if name == "dataset" else "--" + name.replace("_", "-")


def shown(value):
    """Return a field's value as it is typed.

    Parameters
    ----------
    value : object
        The field's value.

    Returns
    -------
    str
    """
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
