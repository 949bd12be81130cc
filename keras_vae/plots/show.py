"""A figure on the screen of a notebook, and on disk."""

import io
import os
import pathlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def show(figure: "Figure", path: str | os.PathLike[str] | None = None) -> None:
    """Save a figure, and display it where the program runs in a notebook.

    Figures of this package belong to no window, so that none pile up in long runs; a notebook does not display them by
    itself. Outside of notebooks nothing but saving happens, so one line serves a script and its notebook.

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
    ipython = sys.modules.get("IPython")  # importing it would not make a notebook
    if ipython is None or ipython.get_ipython() is None:
        return
    from IPython.display import Image, display

    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    display(Image(picture.getvalue(), format="png", width=round(100 * figure.get_figwidth())))
