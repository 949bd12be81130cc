"""A figure on the screen of a notebook, and on disk."""

import os
import pathlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def show(figure: "Figure", path: str | os.PathLike[str] | None = None) -> None:
    """Save a figure, and display it where the program runs in a notebook.

    Figures of this package belong to no window, so that none pile up in long runs. A notebook displays the one that a
    cell ends in; this displays it from anywhere in a cell. Outside of notebooks nothing but saving happens, so one line
    serves a script and its notebook.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What any function of this room returned.
    path : str or os.PathLike, optional
        The file to write, in the format of its suffix; folders above it are made.

    Examples
    --------
    >>> show(samples(vae.generate(64, seed=0)), "pictures/samples.png")
    """
    if path is not None:
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    from keras_vae.plots.figure import display

    display(figure)
