"""Images in a grid."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from keras_vae.core import check_integer
from keras_vae.plots.pictures import as_pictures, grid_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def samples(
    images: ArrayLike | Mapping[str, ArrayLike],
    *,
    columns: int | None = None,
    value_range: tuple[float, float] | None = None,
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Figure | Any":
    """Show images, such as a model generates, in a grid.

    Parameters
    ----------
    images : array_like or mapping
        Shape (n, height, width), (n, height, width, 1) or (n, height, width, 3): integers 0 to 255 or floats 0 to 1. Or
        such arrays, of one shape, by the names of the models that made them: each begins a row with its name.
    columns : int, optional
        Images in a row; by default the grid is as square as n allows, and a named array has one row.
    value_range : pair of float, optional
        The values of black and white, where they are not 0 to 255 for integers and 0 to 1 for floats.
    title : str, optional
        What stands above.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.figure.Figure, or `ax` where it is given

    Raises
    ------
    ValueError
        If an array has no shape of images, arrays differ in shape, or `columns` < 1.

    Examples
    --------
    >>> samples(vae.generate(64, seed=0)).savefig("samples.png")
    """
    if isinstance(images, Mapping):
        return _named_rows(images, columns, value_range, title, ax)
    pictures = as_pictures("images", images, value_range)
    columns = math.ceil(math.sqrt(len(pictures))) if columns is None else check_integer("columns", columns, minimum=1)
    return grid_figure(pictures, columns=min(columns, len(pictures)), title=title, ax=ax)


def _named_rows(images, columns, value_range, title, ax):
    arrays = [as_pictures("images", array, value_range) for array in images.values()]
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) != 1:
        raise ValueError(f"`images` must hold arrays of one shape, at least one. Received: {[s[:3] for s in shapes]}")
    number = len(arrays[0])
    columns = number if columns is None else min(check_integer("columns", columns, minimum=1), number)
    num_rows = math.ceil(number / columns)
    padding = np.ones((num_rows * columns - number, *shapes[0][1:]), np.float32)
    labels = [label for name in images for label in (name, *[""] * (num_rows - 1))]
    pictures = np.concatenate([part for array in arrays for part in (array, padding)])
    return grid_figure(pictures, columns=columns, row_labels=labels, title=title, ax=ax)
