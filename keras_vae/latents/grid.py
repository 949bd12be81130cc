"""Codes that cover a plane."""

import numbers
import statistics
from collections.abc import Sequence
from typing import Literal

import numpy as np

from keras_vae.core import check_choice, check_integer, check_number, check_range

SPACINGS = ("uniform", "normal")
_EXTENT = 3.0


def grid(
    num: int,
    *,
    spacing: Literal["uniform", "normal"] = "uniform",
    extent: float | Sequence[Sequence[float]] | None = None,
) -> np.ndarray:
    """Return the codes of a square grid in two latent dimensions, in the order of reading.

    The first row has the highest z_2, as a diagram has, and within a row z_1 grows, so
    `keras_vae.plots.samples(vae.decode(grid(20)), columns=20)` is a picture of the plane.

    Parameters
    ----------
    num : int
        Codes along each side, at least 2.
    spacing : {"uniform", "normal"}
        At equal distances, or at quantiles of the standard normal distribution, so that equal shares of the prior lie
        between neighbours (Kingma & Welling 2014, appendix A).
    extent : float or pair of pair of float, optional
        Where the outermost codes are: at -extent and extent on both axes, or at `((low_1, high_1), (low_2, high_2))`.
        By default 3, and for "normal" at the quantiles 1/(2 num) and 1 - 1/(2 num): then each code stands in the middle
        of an equal share.

    Returns
    -------
    numpy.ndarray
        Shape (num * num, 2), float64.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> grid(2, extent=1.0)
    array([[-1.,  1.],
           [ 1.,  1.],
           [-1., -1.],
           [ 1., -1.]])
    """
    check_integer("num", num, minimum=2)
    check_choice("spacing", spacing, SPACINGS)
    space = np.linspace if spacing == "uniform" else _quantiles
    across, upward = (space(low, high, num) for low, high in _ranges(extent, num, spacing))
    z_1, z_2 = np.meshgrid(across, upward[::-1])
    return np.stack([z_1.ravel(), z_2.ravel()], axis=1)


def _ranges(extent, num, spacing):
    """Return the lowest and the highest value of each axis."""
    if extent is None:
        extent = _EXTENT if spacing == "uniform" else -statistics.NormalDist().inv_cdf(0.5 / num)
    if isinstance(extent, numbers.Real):
        extent = check_number("extent", extent, above=0.0)
        return ((-extent, extent),) * 2
    try:
        first, second = extent
    except (TypeError, ValueError):
        raise ValueError(
            f"`extent` must be a number or a pair (low, high) for each of two axes. Received: extent={extent!r}"
        ) from None
    return check_range("extent[0]", first), check_range("extent[1]", second)


def _quantiles(low, high, num):
    """Return values from low to high between which equal shares of a standard normal distribution lie."""
    normal = statistics.NormalDist()
    shares = np.linspace(normal.cdf(low), normal.cdf(high), num)
    if not (np.diff(shares) > 0).all():
        raise ValueError(
            f"`extent` must hold a share of the standard normal distribution. Received: from {low:g} to {high:g}"
        )
    return np.array([low, *(normal.inv_cdf(share) for share in shares[1:-1]), high])
