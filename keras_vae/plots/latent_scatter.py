"""Where data lie in the latent space."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from keras_vae.plots.style import GREY, LETTER_INCHES, axes_for, bare, class_colours, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Names in a column of the legend; where there are more columns than these, colours have a bar in its place.
_NAMES_HIGH, _COLUMNS = 24, 3


def latent_scatter(
    z: ArrayLike,
    labels: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    *,
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Figure | Any":
    """Show latent codes as points in the plane, coloured by class or by a number.

    Two dimensions are shown as they are. Of more, the first two principal components are shown (Jolliffe 2002, chapter
    2), from the singular value decomposition of the centred codes, and each axis states its share of the variance. One
    dimension is shown as a strip of points for each class, against the number, or as a histogram where there are no
    labels.

    Parameters
    ----------
    z : array_like
        Shape (n, latent_dim): codes, such as the posterior means that `encode` returns.
    labels : array_like, optional
        Shape (n,): the class of each code, as a whole number from 0 or as a name; or any other number of each code,
        such as a factor, which has a bar of colours.
    class_names : sequence of str, optional
        The names of the classes, for the legend and its order; by default their numbers, or the names in `labels` in
        alphabetical order. More than 72 classes have a bar of colours too.
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
        If `z` is not a non-empty matrix of finite numbers, or labels or names do not fit.

    Examples
    --------
    >>> latent_scatter(vae.encode(x), test.labels, test.class_names).savefig("latent.png")
    """
    z = np.asarray(z)
    if z.ndim != 2 or 0 in z.shape:
        raise ValueError(f"`z` must have shape (n, latent_dim) with n >= 1. Received: an array of shape {z.shape}")
    if not np.isfinite(z).all():
        raise ValueError("`z` must be finite. Received: NaN or infinity")
    labels, names = _check_labels(labels, class_names, len(z))

    is_plane = z.shape[1] > 1
    columns = math.ceil(len(names) / _NAMES_HIGH) if is_plane and len(names) <= _NAMES_HIGH * _COLUMNS else 0
    column_inches = 0.35 + LETTER_INCHES * max(map(len, names), default=0)
    strips_inches = 0.8 + 0.2 * len(names) if not is_plane else 0.0
    axes = axes_for(ax, 6.4 + column_inches * max(0, columns - 1), max(5.2, strips_inches))
    bare(axes)
    if is_plane:
        points = _plane(axes, z, labels, class_colours(len(names)) if columns else None)
        if columns:
            _legend(axes, names, columns)
        elif labels is not None:
            _bar(axes, points, names)
    elif labels is None:
        _histogram(axes, z[:, 0])
    else:
        _strips(axes, z[:, 0], labels, names)
    if title:
        axes.set_title(title, fontsize=10)
    return drawn(axes, ax)


def _check_labels(labels, class_names, size):
    """Return labels and the names of classes; labels that are numbers and not classes have no names."""
    if labels is None:
        if class_names is not None:
            raise ValueError("`class_names` must come with `labels`. Received: class_names alone")
        return None, ()
    labels, names = np.asarray(labels), None if class_names is None else tuple(map(str, class_names))
    if labels.shape != (size,):
        raise ValueError(
            f"`labels` must have shape ({size},), one for each code. Received: {labels.dtype} of shape {labels.shape}"
        )
    if labels.dtype == bool and names is not None:
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "iuf":  # names, or True and False
        found = {str(label) for label in labels}
        names = tuple(sorted(found)) if names is None else names
        if missing := sorted(found - set(names)):
            raise ValueError(f"`class_names` must name each class in `labels`. Received: none of {missing}")
        return np.array([names.index(str(label)) for label in labels]), names
    if not np.isfinite(labels).all():
        raise ValueError("`labels` must be finite, or names. Received: NaN or infinity")
    if labels.min() < 0 or (labels != np.round(labels)).any():
        if names is not None:
            raise ValueError(
                f"`labels` must be whole numbers from 0, or names, where `class_names` are given. Received: "
                f"{labels.dtype} from {labels.min():g} to {labels.max():g}"
            )
        return labels, ()
    num_classes = int(labels.max()) + 1
    names = names or tuple(map(str, range(num_classes)))
    if len(names) < num_classes:
        raise ValueError(f"`class_names` must name each of {num_classes} classes. Received: {len(names)} names")
    return labels.astype(np.int64), names


def _plane(axes, z, labels, colours):
    if z.shape[1] == 2:
        points, axis_names = z, ("$z_1$", "$z_2$")
    else:
        points, shares = principal_components(z)
        axis_names = [f"principal component {i + 1} ({share:.0%} of the variance)" for i, share in enumerate(shares)]
    # All classes in one call, in the data's own order: otherwise the last class would cover the others.
    drawn_points = axes.scatter(points[:, 0], points[:, 1], **_colours(labels, colours), **_points(len(points)))
    axes.set_xlabel(axis_names[0])
    axes.set_ylabel(axis_names[1])
    # A distance means the same in either direction.
    axes.set_aspect("equal", adjustable="datalim")
    return drawn_points


def _strips(axes, z, labels, names):
    """Show one dimension by class, or against a number."""
    if names:
        # Spread within a strip, by fixed numbers: points on one line would cover each other.
        heights = labels + np.random.default_rng(0).uniform(-0.35, 0.35, len(z))
        axes.scatter(z, heights, **_colours(labels, class_colours(len(names))), **_points(len(z)))
        axes.set_yticks(range(len(names)), labels=names)
        axes.grid(visible=False, axis="y")
        axes.invert_yaxis()
    else:
        axes.scatter(z, labels, color=GREY, **_points(len(z)))
        axes.set_ylabel("label")
    axes.set_xlabel("$z_1$")


def _histogram(axes, z):
    axes.hist(z, bins=min(60, max(10, len(z) // 20)), color=GREY)
    axes.set_xlabel("$z_1$")
    axes.set_ylabel("examples in a bin")


def _colours(labels, colours):
    if labels is None:
        return {"color": GREY}
    return {"c": labels, "cmap": "viridis"} if colours is None else {"c": [colours[label] for label in labels]}


def _points(number):
    size = float(np.clip(50_000 / number, 5, 30))
    return {"s": size, "alpha": 0.7, "linewidths": 0, "rasterized": True}


def _legend(axes, names, columns):
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", marker="o", markersize=6, color=colour, label=name)
        for name, colour in zip(names, class_colours(len(names)), strict=True)
    ]
    beside = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0}
    spacing = {"handletextpad": 0.2, "columnspacing": 1.0}
    axes.legend(handles=handles, ncols=columns, frameon=False, fontsize=9, **beside, **spacing)


def _bar(axes, points, names):
    """Explain colours by a bar, with the names of some classes where they have names."""
    bar = axes.figure.colorbar(points, ax=axes, shrink=0.8, label="" if names else "label")
    bar.solids.set_alpha(1.0)
    if names:
        shown = np.unique(np.linspace(0, len(names) - 1, 9).round().astype(int))
        bar.set_ticks(shown, labels=[names[place] for place in shown])


def principal_components(z):
    """Project codes on the two directions in which they vary most; also return the shares of the variance."""
    centred = np.asarray(z, np.float64) - np.mean(z, axis=0, dtype=np.float64)
    _, singular_values, directions = np.linalg.svd(centred, full_matrices=False)
    directions, singular_values = directions[:2], np.pad(singular_values, (0, 2))
    # The sign of a direction is free: let its largest part be positive, so that two runs give one picture.
    largest = directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)]
    points = centred @ (directions * np.where(largest < 0, -1, 1)[:, None]).T
    points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
    total = np.sum(singular_values**2)
    return points, singular_values[:2] ** 2 / (total if total > 0 else 1.0)
