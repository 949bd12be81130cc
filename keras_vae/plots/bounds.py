"""Bounds on the evidence, in order."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from keras_vae.core import check_number
from keras_vae.plots.style import BLUE, GREY, VERMILION, axes_for, bare, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def bounds(
    estimates: Mapping[str, ArrayLike],
    *,
    standard_errors: Mapping[str, float | None] | None = None,
    exact: float | None = None,
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Figure | Any":
    """Show bounds on log p(x), or estimates of it, from the loosest to the tightest.

    Parameters
    ----------
    estimates : mapping
        From a name to nats: a number, or an array of shape (n,) with one value for each example, which is averaged and
        has a standard error over examples.
    standard_errors : mapping, optional
        From a name to the standard error of a number above, such as `standard_errors` of an evaluation; other names in
        it are ignored.
    exact : float, optional
        log p(x) where it is known: a vertical line.
    title : str, optional
        What stands above.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.figure.Figure, or `ax` where it is given
        A dot for each mean, with a bar of one standard error to either side, lowest first; the numbers stand beside.
        Where all arrays have one length, so does the gap to the highest with the standard error of the difference:
        two bounds on the same examples move together, and their own bars overstate what is unknown of their order.

    Raises
    ------
    ValueError
        If there is nothing to show, or it is not of finite numbers.

    Examples
    --------
    >>> bounds({"elbo": elbo, "IWAE bound, K = 50": iwelbo, "log evidence": evidence}).savefig("bounds.png")
    """
    values = _check(estimates)
    if exact is not None:
        exact = check_number("exact", exact)
    means = {name: float(part.mean()) for name, part in values.items()}
    names = sorted(values, key=lambda name: means[name])
    errors = {name: _standard_error(name, values[name], standard_errors or {}) for name in names}
    gaps = _gaps(values, names)

    axes = axes_for(ax, 7.4, 0.9 + 0.42 * len(names))
    bare(axes)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    if exact is not None:
        axes.axvline(exact, color=VERMILION, linewidth=1.2, zorder=1)
        axes.annotate(
            f"exact: {_number(exact)}",
            (exact, 1.0),
            xytext=(0, 3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            color=VERMILION,
        )
    for place, name in enumerate(names):
        error = errors[name]
        axes.errorbar(means[name], place, xerr=error, color=BLUE, marker="o", markersize=6, capsize=3, zorder=3)
        text = _number(means[name]) + (f" ± {error:.2f}" if error is not None else "") + gaps.get(name, "")
        axes.annotate(
            text,
            (1.02, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
            color=GREY,
            annotation_clip=False,
        )
    axes.set_yticks(range(len(names)), labels=names)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.margins(x=0.08)
    axes.set_xlabel("nats per example; bars are one standard error")
    if title:
        axes.set_title(title, fontsize=10, loc="left", pad=16 if exact is not None else 6)
    return drawn(axes, ax)


def _number(value):
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def _check(estimates):
    values = {}
    if isinstance(estimates, Mapping):
        values = {name: np.asarray(value, np.float64) for name, value in estimates.items()}
    if not values or not all(part.ndim < 2 and part.size and np.isfinite(part).all() for part in values.values()):
        raise ValueError(
            f"`estimates` must map names to finite numbers, or to arrays of them of shape (n,). Received: {estimates!r}"
        )
    return values


def _standard_error(name, values, given):
    if values.ndim and len(values) > 1:
        return float(values.std(ddof=1) / np.sqrt(len(values)))
    return None if given.get(name) is None else check_number(f"standard_errors[{name!r}]", given[name], minimum=0.0)


def _gaps(values, names):
    """Write how far each is below the highest, where the examples are the same."""
    highest = values[names[-1]]
    if len(names) < 2 or highest.ndim == 0 or len(highest) < 2 or len({part.shape for part in values.values()}) > 1:
        return {}
    differences = {name: highest - values[name] for name in names[:-1]}
    return {
        name: f"   {part.mean():.2f} ± {part.std(ddof=1) / np.sqrt(len(part)):.2f} below"
        for name, part in differences.items()
    }
