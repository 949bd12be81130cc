"""The look that all pictures share."""

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


def new_figure(width, height, *, layout="constrained"):
    """Return an empty figure that belongs to its caller: no window, no global state of pyplot."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout=layout, facecolor="white")


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
