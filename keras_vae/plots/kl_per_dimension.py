"""How much each latent dimension carries."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from keras_vae.plots.style import BLUE, GREY, VERMILION, bare, check_axes, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ACTIVE = 0.01
# Up to this many columns of z have their number below the bar.
_NAMED = 32


def kl_per_dimension(
    kl: ArrayLike | Sequence[ArrayLike | None], *, title: str | None = None, ax: "Axes | None" = None
) -> "Figure | Any":
    """Show the KL divergence of each latent dimension, the largest first, on a logarithmic scale.

    Parameters
    ----------
    kl : array_like, or sequence of array_like
        Shape (latent_dim,), nats: the mean over examples; or one array for each level, bottom-up, such as
        `kl_per_dimension` of `keras_vae.evaluation.evaluate_vae`. Levels that are None have no panel.
    title : str, optional
        What stands above.
    ax : matplotlib.axes.Axes, optional
        Where to draw one level; by default on a new figure.

    Returns
    -------
    matplotlib.figure.Figure, or `ax` where it is given
        One panel for each level; dimensions below 0.01 nats, which carry nothing, in another colour.

    Raises
    ------
    ValueError
        If an array is empty or not finite, or not of shape (latent_dim,), or `ax` comes with several levels.
    """
    levels = _levels(kl)
    if ax is not None:
        if len(levels) > 1:
            raise ValueError(f"`ax` must come with one level: pass kl[0], say. Received: {len(levels)} levels")
        _panel(check_axes(ax), next(iter(levels.values())), title)
        return ax
    figure = new_figure(6.0, 2.7 * len(levels) + 0.3)
    grid = figure.subplots(len(levels), 1, squeeze=False).ravel()
    for (name, values), axes in zip(levels.items(), grid, strict=True):
        _panel(axes, values, name)
    if title:
        figure.suptitle(title, fontsize=10, x=0.02, ha="left")
    return figure


def _panel(axes, values, name):
    bare(axes)
    axes.grid(visible=False, axis="x")
    order = np.argsort(values)[::-1]
    values = values[order]
    places = np.arange(1, len(values) + 1)
    active = values > _ACTIVE
    # Nothing has no logarithm: what is below the axis shows as a stub.
    floor = 1e-4
    shown = np.maximum(values, 1.3 * floor)
    axes.bar(places, shown, color=np.where(active, BLUE, VERMILION), width=0.8)
    axes.axhline(_ACTIVE, color=GREY, linewidth=0.8, linestyle=(0, (5, 4)))
    axes.set_yscale("log")
    axes.set_ylim(floor, max(1.0, 2.0 * shown.max()))
    axes.set_xlim(0.3, len(values) + 0.7)
    if len(values) <= _NAMED:
        axes.set_xticks(
            places, labels=[str(dimension) for dimension in order], fontsize=8 if len(values) > 20 else None
        )
        axes.tick_params(axis="x", length=0)
        axes.set_xlabel("latent dimension (column of z, from 0), the largest first")
    else:
        axes.set_xlabel("latent dimension, by rank")
    axes.set_ylabel("KL, nats")
    text = f"{active.sum()} of {len(values)} dimensions above {_ACTIVE:g} nats, {values.sum():.2f} nats in all"
    axes.set_title(f"{name}: {text}" if name else text, fontsize=10, loc="left")


def _levels(kl):
    is_one = not isinstance(kl, (tuple, list)) or (len(kl) > 0 and np.ndim(kl[0]) == 0 and kl[0] is not None)
    parts = [kl] if is_one else list(kl)
    levels = {
        f"level {number}" if len(parts) > 1 else "": np.asarray(part, float)
        for number, part in enumerate(parts, start=1)
        if part is not None
    }
    good = levels and all(values.ndim == 1 and len(values) and np.isfinite(values).all() for values in levels.values())
    if not good:
        raise ValueError(
            f"`kl` must hold finite numbers of shape (latent_dim,), or such an array for each level. Received: {kl!r}"
        )
    return levels
