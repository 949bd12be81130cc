"""Arrays of images as one picture."""

import math

import numpy as np

from keras_vae.core import check_range
from keras_vae.plots.style import DOTS_PER_INCH, GREY, LETTER_INCHES, check_axes, drawn, new_figure

# About how wide an image gets on paper; the gap between two is a share of an image.
IMAGE_INCHES = 0.62
_GAP = 0.07
_MARGIN_INCHES = 0.08
_LINE_INCHES = 0.18
_LABEL_SIZE = 9
_LABEL_PAD_INCHES = 0.05


def as_pictures(name, images, value_range=None):
    """Bring an array of images to colour values 0 to 1, float32 of shape (n, height, width, 3)."""
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or 0 in images.shape:
        raise ValueError(
            f"`{name}` must be images of shape (n, height, width), (n, height, width, 1) or (n, height, width, 3) with "
            f"n >= 1. Received: an array of shape {images.shape}"
        )
    if np.isnan(images).any():
        raise ValueError(f"`{name}` must be numbers: draw gaps as zeros by `np.nan_to_num`. Received: NaN")
    if value_range is not None:
        low, high = check_range("value_range", value_range)
        images = (images.astype(np.float32) - low) / (high - low)
    elif images.dtype.kind in "iu":
        if images.min() < 0 or images.max() > 255:
            raise ValueError(
                f"`{name}` must be in [0, 255] where it is of integers, or come with a `value_range`. "
                f"Received: values from {images.min()} to {images.max()}"
            )
        images = images / np.float32(255)
    images = np.clip(images.astype(np.float32), 0.0, 1.0)
    return np.broadcast_to(images, (*images.shape[:3], 3))


def grid_figure(
    pictures,
    *,
    columns,
    row_labels=(),
    column_labels=(),
    x_label=None,
    y_label=None,
    title=None,
    image_inches=IMAGE_INCHES,
    ax=None,
):
    """Lay pictures of shape (n, height, width, 3) out in rows, on a figure of their size or on given axes."""
    pictures = shrink(pictures, image_inches * DOTS_PER_INCH)
    num_rows = math.ceil(len(pictures) / columns)
    height, width = pictures.shape[1:3]
    gap = max(1, round(_GAP * width))
    paper = np.ones((num_rows * (height + gap) - gap, columns * (width + gap) - gap, 3), np.float32)
    for index, picture in enumerate(pictures):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        paper[top : top + height, left : left + width] = picture

    # Each pixel covers a whole number of dots: otherwise some would come out wider than others.
    pixel_inches = max(1, round(image_inches * DOTS_PER_INCH / width)) / DOTS_PER_INCH
    if ax is None:
        axes = _axes_of_size(
            paper.shape[1] * pixel_inches,
            paper.shape[0] * pixel_inches,
            left=max(map(_label_inches, row_labels), default=0.0) + (1.4 * _LINE_INCHES if y_label else 0.0),
            below=_LINE_INCHES * (bool(column_labels) + bool(x_label)),
            above=0.2 if title else 0.0,
            line=max(len(title or ""), len(x_label or "")),
        )
        axes.imshow(paper, interpolation="nearest", aspect="auto")
    else:
        axes = check_axes(ax)
        axes.imshow(paper, interpolation="antialiased")
    rows, across = ((np.arange(number) * (size + gap)) + (size - 1) / 2 for number, size in _sides(pictures, columns))
    axes.set_xticks(across if column_labels else [], labels=column_labels or None)
    axes.set_yticks(rows if row_labels else [], labels=row_labels or None)
    axes.tick_params(length=0, labelsize=_LABEL_SIZE, labelcolor=GREY)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(x_label or "", fontsize=9, color=GREY, labelpad=3, loc="left")
    axes.set_ylabel(y_label or "", fontsize=9, color=GREY, labelpad=3)
    if title:
        axes.set_title(title, fontsize=9, loc="left", pad=5)
    return drawn(axes, ax)


def _label_inches(label):
    """Return how wide a label left of a row is, with the space between it and the row."""
    from matplotlib.textpath import TextPath

    if not label:
        return 0.0
    return TextPath((0, 0), label, size=_LABEL_SIZE).get_extents().x1 / 72 + _LABEL_PAD_INCHES


def _sides(pictures, columns):
    """Return how many rows and columns there are, each with a picture's size along it."""
    return (math.ceil(len(pictures) / columns), pictures.shape[1]), (columns, pictures.shape[2])


def shrink(pictures, dots):
    """Average blocks of pixels where an image has at least twice as many as there are dots for it."""
    factor = int(pictures.shape[2] // dots)
    if factor < 2:
        return pictures
    missing = [(-size) % factor for size in pictures.shape[1:3]]
    pictures = np.pad(pictures, ((0, 0), (0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
    number, height, width, _ = pictures.shape
    return pictures.reshape(number, height // factor, factor, width // factor, factor, 3).mean(axis=(2, 4))


def _axes_of_size(width, height, *, left, below, above, line):
    """Return axes of exactly this size in inches, in a figure with room for the words around them."""
    left, below, above = left + _MARGIN_INCHES, below + _MARGIN_INCHES, above + _MARGIN_INCHES
    all_width = left + max(width, LETTER_INCHES * line) + _MARGIN_INCHES
    all_height = above + height + below
    # Whole dots again, for the edges.
    left, below = (round(inches * DOTS_PER_INCH) / DOTS_PER_INCH for inches in (left, below))
    all_width, all_height = (math.ceil(inches * DOTS_PER_INCH) / DOTS_PER_INCH for inches in (all_width, all_height))
    figure = new_figure(all_width, all_height, layout=None)
    return figure.add_axes((left / all_width, below / all_height, width / all_width, height / all_height))
