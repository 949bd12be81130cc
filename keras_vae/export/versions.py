"""The numbered directories that TensorFlow Serving looks for."""

import pathlib


def versions_in(path):
    """Return the versions under a directory.

    Parameters
    ----------
    path : pathlib.Path
        The directory.

    Returns
    -------
    list of int
        In order.
    """
    names = [entry.name for entry in pathlib.Path(path).iterdir()] if pathlib.Path(path).is_dir() else []
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())
