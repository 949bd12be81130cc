"""Images above what a model makes of them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from keras_vae.core import check_integer
from keras_vae.plots.pictures import as_pictures, grid_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def reconstructions(
    originals: ArrayLike,
    reconstructed: ArrayLike | Mapping[str, ArrayLike],
    *,
    inputs: ArrayLike | None = None,
    columns: int = 10,
    value_range: tuple[float, float] | None = None,
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Figure | Any":
    """Show images with their reconstructions below.

    Parameters
    ----------
    originals : array_like
        Shape (n, height, width), (n, height, width, 1) or (n, height, width, 3): integers 0 to 255 or floats 0 to 1.
    reconstructed : array_like or mapping
        The same number of images, of the same height and width: the likelihood's means. Or such arrays by the names of
        the models that made them: each has a row of its own.
    inputs : array_like, optional
        Also of that number and size: what the model saw, where that is not the originals (binarized images, say). It
        gets a row of its own.
    columns : int
        Images in a row; where there are more images, there are more bands of rows.
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
        If an array has no shape of images, or the arrays do not fit each other.

    Examples
    --------
    >>> figure = reconstructions(test.images[:10], vae.reconstruct(test.images[:10] / 255.0))
    >>> figure.savefig("reconstructions.png")
    >>> figure = reconstructions(x, {"autoencoder": autoencoder.reconstruct(x), "VAE": vae.reconstruct(x)})
    """
    check_integer("columns", columns, minimum=1)
    rows = {"original": as_pictures("originals", originals, value_range)}
    if inputs is not None:
        rows["model's input"] = _same_shape("inputs", inputs, rows["original"], value_range)
    if not isinstance(reconstructed, Mapping):
        reconstructed = {"reconstruction": reconstructed}
    for name, images in reconstructed.items():
        rows[name] = _same_shape("reconstructed", images, rows["original"], value_range)

    number, height, width, _ = rows["original"].shape
    columns = min(columns, number)
    num_bands = -(-number // columns)
    padding = np.ones((num_bands * columns - number, height, width, 3), np.float32)
    bands = [np.concatenate([row, padding]).reshape(num_bands, columns, height, width, 3) for row in rows.values()]
    pictures = np.stack(bands, axis=1).reshape(-1, height, width, 3)
    return grid_figure(pictures, columns=columns, row_labels=[*rows] * num_bands, title=title, ax=ax)


def _same_shape(name, images, originals, value_range):
    pictures = as_pictures(name, images, value_range)
    if pictures.shape != originals.shape:
        raise ValueError(
            f"`{name}` must be as many images as `originals`, and of their size: {originals.shape[:3]}. "
            f"Received: {pictures.shape[:3]}"
        )
    return pictures
