"""The figure that plots return: it belongs to no window, and a notebook shows it."""

import io
import sys
import warnings
from typing import Any

from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """A figure that pyplot does not manage, with a picture of itself for a notebook's cell that ends in it.

    `show` displays it from anywhere else in a cell. A script opens no window: `savefig` writes a file.
    """

    def _repr_png_(self):
        return as_png(self)

    def show(self, warn: bool = True) -> None:
        """Display the figure in a notebook. Elsewhere nothing is shown, which `warn` says."""
        if not display(self) and warn:
            warnings.warn("Plots open no window. Save the figure instead: figure.savefig('name.png').", stacklevel=2)


def as_png(figure: Figure) -> tuple[bytes, dict[str, Any]]:
    """Return a figure's picture, and the width at which a notebook shows it."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue(), {"width": round(100 * figure.get_figwidth())}


def display(figure: Figure) -> bool:
    """Display a figure if the program runs in a notebook, and return whether it does."""
    ipython = sys.modules.get("IPython")  # importing it would not make a notebook
    if ipython is None or not hasattr(ipython.get_ipython(), "kernel"):
        return False
    from IPython.display import Image, display

    picture, look = as_png(figure)
    display(Image(picture, format="png", **look))
    return True
