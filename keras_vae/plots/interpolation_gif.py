"""Paths through the latent space as a moving picture."""

import math
import os
import pathlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from keras_vae.core import atomic_write, check_integer, check_writable_directory
from keras_vae.models import LatentVariableModel
from keras_vae.plots.decoding import check_ends, check_image_model
from keras_vae.plots.interpolation import decoded_paths
from keras_vae.plots.pictures import shrink

# Images are enlarged or shrunk, by whole numbers, to about this size.
_DOTS = 112
_HOLD = 8


def interpolation_gif(
    vae: LatentVariableModel,
    start: ArrayLike | Sequence[ArrayLike],
    end: ArrayLike | Sequence[ArrayLike],
    path: str | os.PathLike[str],
    *,
    num_steps: int = 24,
    method: Literal["linear", "spherical"] = "linear",
    milliseconds: int = 60,
) -> pathlib.Path:
    """Write an animated GIF of what a model decodes on the way from one code to another and back, in a loop.

    Several pairs move side by side. The ends stand still for a moment. The file is whole or not there at all.

    Parameters
    ----------
    vae : keras_vae.VAE or keras_vae.HierarchicalVAE
        A model of images.
    start, end : array_like, or sequence of array_like
        Images or codes, as in `interpolation`.
    path : str or pathlib.Path
        Where to write; ends in `.gif`. Its directory is made if need be.
    num_steps : int
        Images on the way, both ends included, at least 2.
    method : {"linear", "spherical"}
        The path, as in `keras_vae.latents.interpolate`.
    milliseconds : int
        For each image, at least 20, in steps of 10: a GIF knows no others.

    Returns
    -------
    pathlib.Path
        Where it is.

    Raises
    ------
    TypeError
        If `vae` is not a model of this package.
    ValueError
        If it has no images, the ends are neither images nor codes or not as many, or an argument is out of range.
    OSError
        If the directory cannot be made or written.

    Examples
    --------
    >>> interpolation_gif(vae, x[:4], x[4:8], "faces.gif", method="spherical")
    """
    path = pathlib.Path(path)
    if path.suffix.lower() != ".gif":
        raise ValueError(f"`path` must end in .gif. Received: {str(path)!r}")
    if check_integer("milliseconds", milliseconds, minimum=20) % 10:
        raise ValueError(f"`milliseconds` must be a multiple of 10. Received: milliseconds={milliseconds!r}")
    check_image_model(vae)
    codes, _ = check_ends(vae, start, end)
    check_writable_directory(path.parent)
    pairs = decoded_paths(vae, *codes, num_steps=num_steps, method=method)
    is_grey = vae.event_shape[2:] != (3,)
    frames = [_frame(pictures, is_grey) for pictures in np.swapaxes(pairs, 0, 1)]
    frames += frames[-2:0:-1]
    durations = [milliseconds] * len(frames)
    durations[0] = durations[num_steps - 1] = _HOLD * milliseconds
    with atomic_write(path) as aside:
        frames[0].save(aside, save_all=True, append_images=frames[1:], duration=durations, loop=0, disposal=1)
    return path


def _frame(pictures, is_grey):
    """Set pictures side by side, as an image with at most 256 colours; greys are exact."""
    from PIL import Image

    pictures = shrink(pictures, _DOTS)
    number, height, width, _ = pictures.shape
    factor = math.ceil(_DOTS / height)
    gap = max(2, round(0.04 * width)) * factor
    paper = np.full((height * factor, number * (width * factor + gap) - gap, 3), 255, np.uint8)
    for index, picture in enumerate(np.round(255 * pictures).astype(np.uint8)):
        left = index * (width * factor + gap)
        paper[:, left : left + width * factor] = np.kron(picture, np.ones((factor, factor, 1), np.uint8))
    if is_grey:
        return Image.fromarray(np.ascontiguousarray(paper[..., 0]))
    # Without dithering: its pattern would flicker from frame to frame.
    return Image.fromarray(paper).quantize(256, dither=Image.Dither.NONE)
