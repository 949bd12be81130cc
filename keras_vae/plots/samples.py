"""Images in a grid."""

import math

from keras_vae.core import check_integer
from keras_vae.plots.pictures import as_pictures, grid_figure


def samples(images, *, columns=None, title=None):
    """Show images, such as a model generates, in a grid.

    Parameters
    ----------
    images : array_like
        Shape (n, height, width), (n, height, width, 1) or (n, height, width, 3): integers 0 to 255 or floats 0 to 1.
    columns : int, optional
        Images in a row; by default the grid is as square as n allows.
    title : str, optional
        What stands above.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the array has no shape of images or `columns` < 1.

    Examples
    --------
    >>> samples(vae.generate(64, seed=0)).savefig("samples.png")
    """
    pictures = as_pictures("images", images)
    columns = math.ceil(math.sqrt(len(pictures))) if columns is None else check_integer("columns", columns, minimum=1)
    return grid_figure(pictures, columns=min(columns, len(pictures)), title=title)
