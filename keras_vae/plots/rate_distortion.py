"""Rate against distortion over a sweep of beta."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_vae.plots.style import BLUE, GREY, axes_for, bare, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def rate_distortion(points: Iterable[Any], *, title: str | None = None, ax: "Axes | None" = None) -> "Figure | Any":
    """Show each model of a sweep by its rate and its distortion, with its beta beside it.

    Along a dashed line -elbo = rate + distortion is constant; the lower line is the better one (Alemi et al. 2018).

    Parameters
    ----------
    points : sequence
        What `keras_vae.evaluation.rate_distortion` returned: objects with `beta`, `rate` and `distortion`, in nats.
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
        If there are no points, or they are not finite.
    """
    points = sorted(points, key=lambda point: point.beta)
    rate, distortion = (np.array([getattr(point, name) for point in points], float) for name in ("rate", "distortion"))
    if not points or not np.isfinite([rate, distortion]).all():
        raise ValueError(f"`points` must hold at least one point, of finite numbers. Received: {points}")
    axes = axes_for(ax, 5.6, 4.2)
    bare(axes)
    axes.plot(rate, distortion, color=BLUE, marker="o", markersize=5, zorder=3)
    axes.margins(0.18)
    _draw_levels(axes, rate + distortion)
    for point in points:
        axes.annotate(
            f"$\\beta$ = {point.beta:g}",
            (point.rate, point.distortion),
            xytext=(7, 6),
            textcoords="offset points",
            fontsize=9,
            zorder=4,
            path_effects=_halo(),
        )
    axes.set_xlabel("rate: KL[q(z|x) || p(z)], nats")
    axes.set_ylabel("distortion: −E log p(x|z), nats")
    if title:
        axes.set_title(title, fontsize=10, loc="left")
    return drawn(axes, ax)


def _draw_levels(axes, sums):
    """Draw the lines of the best and of the worst sum, and name them where they leave the frame."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for total in {float(sums.min()), float(sums.max())}:
        axes.plot([left, right], [total - left, total - right], color=GREY, linewidth=0.8, linestyle=(0, (5, 4)))
        # Where the line meets the right side, or the bottom before that.
        x = min(right, total - bottom)
        # Along the line, whose slope is -1 in nats and another one on the page.
        along = {"rotation": -45, "rotation_mode": "anchor", "transform_rotates_text": True}
        where = {"ha": "right", "va": "bottom", "fontsize": 8, "color": GREY, "path_effects": _halo()}
        axes.text(x, total - x, f"elbo {-total:.1f}  ", **along, **where)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)


def _halo():
    """Keep a label readable where a line passes below it."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=3, foreground="white")]
