"""The latent space, decoded at the points of a grid."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from keras_vae.core import check_integer
from keras_vae.latents import grid
from keras_vae.models import LatentVariableModel
from keras_vae.plots.decoding import check_image_model, decoded_pictures
from keras_vae.plots.pictures import IMAGE_INCHES, grid_figure
from keras_vae.plots.style import LETTER_INCHES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# About how wide the whole gets.
_INCHES = 7.5


def latent_manifold(
    vae: LatentVariableModel,
    num: int = 20,
    *,
    spacing: Literal["uniform", "normal"] = "uniform",
    extent: float | Sequence[Sequence[float]] | None = None,
    dimensions: tuple[int, int] = (0, 1),
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Figure | Any":
    """Show what a model decodes at the points of a grid in two latent dimensions.

    Of a model with more dimensions the others are held at 0, the mean of a standard normal prior, as the axes say.

    Parameters
    ----------
    vae : keras_vae.VAE
        A model of images, with at least two latent dimensions.
    num : int
        Images along each side, at least 2.
    spacing : {"uniform", "normal"}
        As in `keras_vae.latents.grid`: at equal distances, or at quantiles of the standard normal prior, so that each
        image stands for an equal share of it (Kingma & Welling 2014, appendix A).
    extent : float or pair of pair of float, optional
        As in `keras_vae.latents.grid`: where the outermost codes are.
    dimensions : pair of int
        Which columns of z go across and upward, from 0.
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
        If the model has several levels of latents, fewer than two dimensions or no images, or an argument is out of
        range.

    Examples
    --------
    >>> latent_manifold(vae, spacing="normal").savefig("manifold.png")
    """
    check_image_model(vae)
    if len(vae.latent_shapes) > 1 or math.prod(vae.latent_shapes[0]) < 2:
        raise ValueError(
            "`vae` must have one level of latents, of at least two dimensions: a plane has no place for others. "
            f"Received: latent_dim={vae.latent_dim}"
        )
    (latent_dim,) = vae.latent_shapes[0]
    dimensions = _check_dimensions(dimensions, latent_dim)
    points = grid(num, spacing=spacing, extent=extent)
    codes = np.zeros((len(points), latent_dim))
    codes[:, dimensions] = points
    x_label, y_label = _labels(dimensions, latent_dim, spacing)
    image_inches = min(IMAGE_INCHES, _INCHES / num)
    return grid_figure(
        decoded_pictures(vae, [codes]),
        columns=num,
        column_labels=_marks(points[:num, 0], image_inches),
        row_labels=_marks(points[::num, 1], image_inches),
        x_label=x_label,
        y_label=y_label,
        title=title,
        image_inches=image_inches,
        ax=ax,
    )


def _check_dimensions(dimensions, latent_dim):
    try:
        first, second = (check_integer("dimensions", dimension, minimum=0) for dimension in dimensions)
    except (TypeError, ValueError):
        first = second = -1
    if first == second or max(first, second) >= latent_dim:
        raise ValueError(
            f"`dimensions` must be two different whole numbers from 0 to {latent_dim - 1}. "
            f"Received: dimensions={dimensions!r}"
        )
    return [first, second]


def _labels(dimensions, latent_dim, spacing):
    names = [f"$z_{dimension + 1}$" if latent_dim == 2 else f"z[:, {dimension}]" for dimension in dimensions]
    details = ["at quantiles of N(0, 1)"] if spacing == "normal" else []
    if latent_dim > 2:
        details.append(f"the other {latent_dim - 2} of {latent_dim} dimensions at 0")
    return ", ".join([names[0], *details]), names[1]


def _marks(values, inches):
    """Write the values, or every second, third, ... where they are too close, and leave the others blank."""
    decimals = 1 if np.ptp(values) >= 0.1 * len(values) else 2
    # Minus zero is zero, and a minus sign is not a hyphen.
    texts = [f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "\N{MINUS SIGN}") for value in values]
    step = math.ceil((max(map(len, texts)) + 0.5) * LETTER_INCHES / inches)
    return [text if index % step == 0 else "" for index, text in enumerate(texts)]
