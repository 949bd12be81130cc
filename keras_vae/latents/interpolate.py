"""Paths between latent codes."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from keras_vae.core import check_choice, check_integer
from keras_vae.latents.checks import check_codes

METHODS = ("linear", "spherical")

# Below this sine of the angle two directions count as one line: float64 does not resolve their plane.
_SMALL = 1e-12


def interpolate(
    start: ArrayLike, end: ArrayLike, *, num_steps: int, method: Literal["linear", "spherical"] = "linear"
) -> np.ndarray:
    """Return codes on the way from `start` to `end`, both ends included, at equal steps t from 0 to 1.

    - "linear": `(1 - t) start + t end`.
    - "spherical": the direction turns along the great circle, at equal angles (Shoemake 1985), while the length goes
      linearly from one to the other; of two codes of one length it is Shoemake's slerp. Codes of a standard normal
      prior in many dimensions lie near a sphere of radius sqrt(latent_dim), which a straight line leaves (White 2016,
      section 3.1).

    Where codes point the same way, or one of them is zero and has no direction, the great circle is a straight line.
    Where they point opposite ways all great circles are equally short: the one through the coordinate axis that is
    most nearly perpendicular to `start` is taken; with one latent dimension, where there is none, the straight line.

    Parameters
    ----------
    start, end : array_like
        Shapes (..., latent_dim), that broadcast to one shape.
    num_steps : int
        How many codes, at least 2.
    method : {"linear", "spherical"}
        The path.

    Returns
    -------
    numpy.ndarray
        Shape (num_steps, ..., latent_dim); float32 where both ends are, else float64. The first is `start` and the last
        is `end`, exactly.

    Raises
    ------
    ValueError
        If the ends are not codes of one latent dimension, do not broadcast, or another argument is out of range.

    Examples
    --------
    >>> z = vae.encode(x[:2])
    >>> images = vae.decode(interpolate(z[0], z[1], num_steps=10, method="spherical"))
    """
    check_integer("num_steps", num_steps, minimum=2)
    check_choice("method", method, METHODS)
    start, end = check_codes("start", start), check_codes("end", end)
    if start.shape[-1] != end.shape[-1]:
        raise ValueError(
            f"`start` and `end` must have the same latent dimension. Received: shapes {start.shape} and {end.shape}"
        )
    dtype = np.result_type(start, end)
    try:
        start, end = np.broadcast_arrays(start.astype(np.float64), end.astype(np.float64))
    except ValueError:
        raise ValueError(
            f"`start` and `end` must have shapes that broadcast. Received: {start.shape} and {end.shape}"
        ) from None
    t = np.linspace(0.0, 1.0, num_steps).reshape(num_steps, *[1] * start.ndim)
    path = ((1.0 - t) * start + t * end if method == "linear" else _arc(start, end, t)).astype(dtype)
    path[0], path[-1] = start, end
    return path


def _arc(start, end, t):
    """Turn from one direction to the other at equal angles, and change the length linearly."""
    length_1, length_2 = (np.linalg.norm(code, axis=-1, keepdims=True) for code in (start, end))
    has_directions = (length_1 > 0) & (length_2 > 0)
    direction_1, direction_2 = (
        np.divide(code, length, out=np.zeros_like(code), where=has_directions)
        for code, length in ((start, length_1), (end, length_2))
    )
    # What the second direction adds to the first: perpendicular to it, as long as the sine of the angle.
    cosine = np.sum(direction_1 * direction_2, axis=-1, keepdims=True)
    across = direction_2 - cosine * direction_1
    sine = np.linalg.norm(across, axis=-1, keepdims=True)
    is_opposite = has_directions & (sine < _SMALL) & (cosine < 0)
    across = np.where(is_opposite, _perpendicular(direction_1), across)
    size = np.linalg.norm(across, axis=-1, keepdims=True)
    across = np.divide(across, size, out=np.zeros_like(across), where=size > _SMALL)
    angle = np.arctan2(sine, cosine)
    turned = ((1.0 - t) * length_1 + t * length_2) * (np.cos(t * angle) * direction_1 + np.sin(t * angle) * across)
    is_curved = has_directions & (size > _SMALL)
    return np.where(is_curved, turned, (1.0 - t) * start + t * end)


def _perpendicular(direction):
    """Return the part of a coordinate axis that is perpendicular to each unit vector, not normalised."""
    axis = np.eye(direction.shape[-1])[np.argmin(np.abs(direction), axis=-1)]
    return axis - np.sum(axis * direction, axis=-1, keepdims=True) * direction
