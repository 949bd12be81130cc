"""Where data lie in the latent space."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from keras_vae.plots.style import GREY, bare, class_colours, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def latent_scatter(
    z: ArrayLike,
    labels: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    *,
    title: str | None = None,
) -> "Figure":
    """Show latent codes as points in the plane, coloured by class.

    Two dimensions are shown as they are. Of more, the first two principal components are shown (Jolliffe 2002, chapter
    2), from the singular value decomposition of the centred codes, and each axis states its share of the variance. One
    dimension is shown as a strip of points for each class, or as a histogram where there are no labels.

    Parameters
    ----------
    z : array_like
        Shape (n, latent_dim): codes, such as the posterior means that `encode` returns.
    labels : array_like, optional
        Shape (n,): the class of each code, whole numbers from 0.
    class_names : sequence of str, optional
        The names of the classes, for the legend; by default their numbers.
    title : str, optional
        What stands above.

    Returns
    -------
    matplotlib.figure.Figure

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

    figure = new_figure(6.4, 5.2)
    axes = figure.add_subplot()
    bare(axes)
    colours = class_colours(len(names)) if names else [GREY]
    if z.shape[1] > 1:
        _plane(axes, z, labels, colours)
        if names:
            _legend(figure, names, colours)
    elif names:
        _strips(axes, z[:, 0], labels, colours, names)
    else:
        _histogram(axes, z[:, 0])
    if title:
        axes.set_title(title, fontsize=10)
    return figure


def _check_labels(labels, class_names, size):
    if labels is None:
        if class_names is not None:
            raise ValueError("`class_names` must come with `labels`. Received: class_names alone")
        return np.zeros(size, np.int64), ()
    labels = np.asarray(labels)
    if labels.shape != (size,) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(
            f"`labels` must be whole numbers from 0, of shape ({size},), one for each code. "
            f"Received: {labels.dtype} of shape {labels.shape}"
        )
    num_classes = int(labels.max()) + 1
    names = tuple(class_names) if class_names else tuple(map(str, range(num_classes)))
    if len(names) < num_classes:
        raise ValueError(f"`class_names` must name each of {num_classes} classes. Received: {len(names)} names")
    return labels, names


def _plane(axes, z, labels, colours):
    if z.shape[1] == 2:
        points, axis_names = z, ("$z_1$", "$z_2$")
    else:
        points, shares = principal_components(z)
        axis_names = [f"principal component {i + 1} ({share:.0%} of the variance)" for i, share in enumerate(shares)]
    # All classes in one call, in the data's own order: otherwise the last class would cover the others.
    axes.scatter(points[:, 0], points[:, 1], c=[colours[label] for label in labels], **_points(len(points)))
    axes.set_xlabel(axis_names[0])
    axes.set_ylabel(axis_names[1])
    # A distance means the same in either direction.
    axes.set_aspect("equal", adjustable="datalim")


def _strips(axes, z, labels, colours, names):
    # Spread within a strip, by fixed numbers: points on one line would cover each other.
    heights = labels + np.random.default_rng(0).uniform(-0.35, 0.35, len(z))
    axes.scatter(z, heights, c=[colours[label] for label in labels], **_points(len(z)))
    axes.set_xlabel("$z_1$")
    axes.set_yticks(range(len(names)), labels=names)
    axes.grid(visible=False, axis="y")
    axes.invert_yaxis()


def _histogram(axes, z):
    axes.hist(z, bins=min(60, max(10, len(z) // 20)), color=GREY)
    axes.set_xlabel("$z_1$")
    axes.set_ylabel("examples in a bin")


def _points(number):
    size = float(np.clip(50_000 / number, 5, 30))
    return {"s": size, "alpha": 0.7, "linewidths": 0, "rasterized": True}


def _legend(figure, names, colours):
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", marker="o", markersize=6, color=colour, label=name)
        for name, colour in zip(names, colours, strict=False)
    ]
    figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=9)


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
