"""Paths through the latent space, decoded."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from keras_vae.latents import interpolate
from keras_vae.models import LatentVariableModel
from keras_vae.plots.decoding import check_ends, check_image_model, decoded_pictures, pictures_of
from keras_vae.plots.pictures import grid_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def interpolation(
    vae: LatentVariableModel,
    start: ArrayLike | Sequence[ArrayLike],
    end: ArrayLike | Sequence[ArrayLike],
    *,
    num_steps: int = 10,
    method: Literal["linear", "spherical"] = "linear",
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Figure | Any":
    """Show what a model decodes on the way from one code to another, one row for each pair.

    Where an end is given as images they are encoded, and stand beside the row: between them and the first or the last
    decoded image lies what the model loses.

    Parameters
    ----------
    vae : keras_vae.VAE or keras_vae.HierarchicalVAE
        A model of images.
    start, end : array_like, or sequence of array_like
        Images as the likelihood takes them, of shape `event_shape` or (n, *event_shape); or codes of shape
        (latent_dim,) or (n, latent_dim), of a hierarchical model one array for each level, bottom-up.
    num_steps : int
        Decoded images in a row, both ends included, at least 2.
    method : {"linear", "spherical"}
        The path, as in `keras_vae.latents.interpolate`; of a hierarchical model for each level by itself.
    title : str, optional
        What stands above.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.figure.Figure, or `ax` where it is given

    Raises
    ------
    TypeError
        If `vae` is not a model of this package.
    ValueError
        If it has no images, the ends are neither images nor codes or not as many, or an argument is out of range.

    Examples
    --------
    >>> figure = interpolation(vae, x[:4], x[4:8], method="spherical")
    >>> figure.savefig("interpolation.png")
    """
    check_image_model(vae)
    codes, images = check_ends(vae, start, end)
    rows = decoded_paths(vae, *codes, num_steps=num_steps, method=method)
    labels = [f"{t:.2g}" for t in np.linspace(0.0, 1.0, num_steps)]
    if images[0] is not None:
        rows = np.concatenate([pictures_of(vae, images[0])[:, None], rows], axis=1)
        labels = ["start", *labels]
    if images[1] is not None:
        rows = np.concatenate([rows, pictures_of(vae, images[1])[:, None]], axis=1)
        labels = [*labels, "end"]
    return grid_figure(
        rows.reshape(-1, *rows.shape[2:]),
        columns=rows.shape[1],
        column_labels=labels,
        x_label=f"decoded on the {method} path, t from 0 to 1",
        title=title,
        ax=ax,
    )


def decoded_paths(vae, start, end, *, num_steps, method):
    """Decode paths between pairs of codes: colour values of shape (pairs, num_steps, height, width, 3)."""
    paths = [interpolate(*ends, num_steps=num_steps, method=method) for ends in zip(start, end, strict=True)]
    pictures = decoded_pictures(vae, [path.reshape(-1, path.shape[-1]) for path in paths])
    return np.swapaxes(pictures.reshape(num_steps, -1, *pictures.shape[1:]), 0, 1)
