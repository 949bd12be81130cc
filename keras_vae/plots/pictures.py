"""Arrays of images as one picture."""

import math

import numpy as np

from keras_vae.plots.style import DOTS_PER_INCH, GREY, new_figure

# About how wide an image gets on paper; the gap between two is a share of an image.
_IMAGE_INCHES = 0.62
_GAP = 0.07
_MARGIN_INCHES = 0.08
_LETTER_INCHES = 0.068


def as_pictures(name, images):
    """Check an array of images and bring it to colour values that matplotlib shows as they are.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    images : array_like
        Shape (n, height, width), (n, height, width, 1) or (n, height, width, 3); integers from 0 to 255, booleans, or
        floats from 0 to 1. Floats beyond that, such as a Gaussian's means, are clipped.

    Returns
    -------
    numpy.ndarray
        Shape (n, height, width, 3), float32, values 0 to 1.

    Raises
    ------
    ValueError
        If the shape is another, the array is empty, integers are out of range, or a value is NaN.
    """
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or 0 in images.shape:
        raise ValueError(
            f"`{name}` must be images of shape (n, height, width), (n, height, width, 1) or (n, height, width, 3) with "
            f"n >= 1. Received: an array of shape {images.shape}"
        )
    if images.dtype.kind in "iu":
        if images.min() < 0 or images.max() > 255:
            raise ValueError(
                f"`{name}` must be in [0, 255] where it is of integers. "
                f"Received: values from {images.min()} to {images.max()}"
            )
        images = images / np.float32(255)
    if np.isnan(images).any():
        raise ValueError(f"`{name}` must be numbers. Received: NaN")
    images = np.clip(images.astype(np.float32), 0.0, 1.0)
    return np.broadcast_to(images, (*images.shape[:3], 3))


def grid_figure(pictures, *, columns, row_labels=(), title=None):
    """Lay pictures out in rows, as one figure.

    Parameters
    ----------
    pictures : numpy.ndarray
        Shape (n, height, width, 3), values 0 to 1.
    columns : int
        Pictures in a row.
    row_labels : sequence of str
        What stands left of each row; empty for nothing.
    title : str, optional
        What stands above.

    Returns
    -------
    matplotlib.figure.Figure
    """
    num_rows = math.ceil(len(pictures) / columns)
    height, width = pictures.shape[1:3]
    gap = max(1, round(_GAP * width))
    paper = np.ones((num_rows * (height + gap) - gap, columns * (width + gap) - gap, 3), np.float32)
    for index, picture in enumerate(pictures):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        paper[top : top + height, left : left + width] = picture

    # Each pixel covers a whole number of dots: otherwise some would come out wider than others.
    pixel_inches = max(1, round(_IMAGE_INCHES * DOTS_PER_INCH / width)) / DOTS_PER_INCH
    axes = _axes_for(paper.shape[1] * pixel_inches, paper.shape[0] * pixel_inches, row_labels, title)
    axes.imshow(paper, interpolation="nearest", aspect="auto")
    centres = [row * (height + gap) + (height - 1) / 2 for row in range(num_rows)]
    axes.set_xticks([])
    axes.set_yticks(centres if row_labels else [], labels=row_labels or None)
    axes.tick_params(length=0, labelsize=9, labelcolor=GREY)
    axes.spines[:].set_visible(False)
    if title:
        axes.set_title(title, fontsize=9, loc="left", pad=5)
    return axes.figure


def _axes_for(width, height, row_labels, title):
    """Return axes of exactly this size in inches, in a figure with room for the words around them."""
    left = _MARGIN_INCHES + _LETTER_INCHES * max(map(len, row_labels), default=0)
    above = _MARGIN_INCHES + (0.2 if title else 0.0)
    all_width = left + max(width, _LETTER_INCHES * len(title or "")) + _MARGIN_INCHES
    all_height = above + height + _MARGIN_INCHES
    # Whole dots again, for the edges.
    left, below = (round(inches * DOTS_PER_INCH) / DOTS_PER_INCH for inches in (left, _MARGIN_INCHES))
    all_width, all_height = (math.ceil(inches * DOTS_PER_INCH) / DOTS_PER_INCH for inches in (all_width, all_height))
    figure = new_figure(all_width, all_height, layout=None)
    return figure.add_axes((left / all_width, below / all_height, width / all_width, height / all_height))
