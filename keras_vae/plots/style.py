"""The look that all pictures share, and what they are drawn on."""

from keras_vae.core import check_instance

# Colours that stay apart for colour-blind eyes: Okabe and Ito (2008), and the scheme "muted" of P. Tol (2021).
BLUE, VERMILION = "#0072B2", "#D55E00"
_MUTED = (
    "#332288",
    "#88CCEE",
    "#44AA99",
    "#117733",
    "#999933",
    "#DDCC77",
    "#CC6677",
    "#882255",
    "#AA4499",
    "#888888",
)
GREY = "#555555"

# For lines of runs: the two above and the rest of Okabe and Ito's that show on white.
_LINES = (BLUE, VERMILION, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

DOTS_PER_INCH = 150
LETTER_INCHES = 0.068  # of the size of legends and labels


def new_figure(width, height, *, layout="constrained"):
    """Return an empty figure that belongs to its caller: no window, no global state of pyplot."""
    from keras_vae.plots.figure import NotebookFigure

    return NotebookFigure(figsize=(width, height), dpi=DOTS_PER_INCH, layout=layout, facecolor="white")


def axes_for(ax, width, height):
    """Return the axes to draw on: those of the caller, or those of a new figure of this size in inches."""
    return new_figure(width, height).subplots() if ax is None else check_axes(ax)


def check_axes(ax):
    from matplotlib.axes import Axes

    return check_instance("ax", ax, Axes, "one of matplotlib's Axes, such as `pyplot.subplots()[1]`")


def drawn(axes, ax):
    """Return what a plot returns: the new figure, or the caller's axes, whose figure pyplot shows by itself."""
    return axes.figure if ax is None else ax


def class_colours(num_classes):
    if num_classes <= len(_MUTED):
        return list(_MUTED[:num_classes])
    from matplotlib import colormaps

    return [colormaps["viridis"](index / (num_classes - 1)) for index in range(num_classes)]


def line_colours(num_lines):
    return list(_LINES[:num_lines]) if num_lines <= len(_LINES) else class_colours(num_lines)


def bare(axes):
    """Take away the frame's upper and right side and lay a faint grid below the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
