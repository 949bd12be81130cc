"""How a training went, epoch by epoch."""

import csv
import io
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_vae.core import BrokenFileError, check_content, printable, read_bytes
from keras_vae.plots.style import BLUE, LETTER_INCHES, VERMILION, bare, line_colours, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANELS = {
    "loss": "loss: what is minimised",
    "elbo": "elbo: higher is better",
    "reconstruction_loss": "reconstruction_loss: distortion",
    "kl_loss": "kl_loss: rate",
}


def history(
    run: Mapping[str, Any] | keras.callbacks.History | str | os.PathLike[str], *, title: str | None = None
) -> "Figure":
    """Show loss, elbo, reconstruction_loss and kl_loss of each epoch, for training and validation.

    Parameters
    ----------
    run : mapping, keras.callbacks.History, str or os.PathLike
        What `fit` returns, its `history`, or the path of a CSV file that `keras.callbacks.CSVLogger` wrote.
        Values are nats per example; keys that start with `val_` are of validation. Or several runs to compare: a
        mapping from their names to such.
    title : str, optional
        What stands above.

    Returns
    -------
    matplotlib.figure.Figure
        One panel for each of the four that was logged. Of several runs each has a colour, and validation is dashed.

    Raises
    ------
    ValueError
        If none of the four was logged, or the series of a run differ in length.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> history(vae.fit(train, validation_data=test, epochs=5)).savefig("loss.png")
    >>> history({"closed form": first, "Monte Carlo": second})
    """
    runs = _runs(run)
    logged = {key.removeprefix("val_") for series in runs.values() for key in series}
    panels = [key for key in _PANELS if key in logged]
    if not panels:
        found = sorted({key for series in runs.values() for key in series})
        raise ValueError(f"`run` must hold epochs of at least one of {list(_PANELS)}. Received: {found}")

    num_rows, num_columns = -(-len(panels) // 2), min(len(panels), 2)
    lines = _lines(list(runs))
    width, is_one = 3.9 * num_columns, list(runs) == [""]
    place, ncols = ("upper right", 2) if is_one else ("lower center", _legend_columns(lines, width))
    figure = new_figure(width, 2.7 * num_rows + 0.5 + 0.2 * max(0, len(lines) // ncols - 1))
    grid = figure.subplots(num_rows, num_columns, squeeze=False).ravel()
    for axes, key in zip(grid, panels, strict=False):
        _panel(axes, key, runs, lines)
    for axes in grid[len(panels) :]:
        axes.remove()
    # A run may lack what another one has: each line is explained once.
    legend = {
        name: handle
        for axes in grid[: len(panels)]
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    ncols = min(len(legend), ncols)
    figure.legend(legend.values(), legend, loc=f"outside {place}", ncols=ncols, frameon=False, fontsize=9)
    if title:
        figure.suptitle(title, fontsize=10, x=0.02, ha="left")
    return figure


def _lines(names):
    """Return label, colour, marker, dashes and width of each run's line in training and in validation."""
    if names == [""]:
        return {("", ""): ("training", BLUE, "o", "-", 1.5), ("", "val_"): ("validation", VERMILION, "s", "-", 1.5)}
    lines = {}
    for number, (name, colour) in enumerate(zip(names, line_colours(len(names)), strict=True)):
        # Runs may agree: the lines below show on both sides of those above.
        width = 1.2 + 0.9 * max(0, 2 - number) if len(names) > 1 else 1.5
        lines[name, ""] = (name, colour, "o", "-", width)
        lines[name, "val_"] = (f"{name}, validation", colour, "s", "--", width)
    return lines


def _legend_columns(lines, width):
    """Return how many columns of names, four at most, fit into a width in inches."""
    names = [label for label, *_ in lines.values()]
    for columns in (4, 3, 2):
        rows = -(-len(names) // columns)
        longest = [max(map(len, names[start : start + rows])) for start in range(0, len(names), rows)]
        if sum(0.6 + LETTER_INCHES * letters for letters in longest) <= width:
            return columns
    return 1


def _panel(axes, key, runs, lines):
    from matplotlib.ticker import MaxNLocator

    bare(axes)
    for (name, prefix), (label, colour, marker, dashes, width) in lines.items():
        values = runs[name].get(prefix + key)
        if values is not None:
            # Single epochs are worth a mark each only where they are few.
            look = {"marker": marker if len(values) <= 30 else None, "markersize": 2.0 + width, "linestyle": dashes}
            axes.plot(np.arange(1, len(values) + 1), values, label=label, color=colour, linewidth=width, **look)
    axes.set_title(_PANELS[key], fontsize=10, loc="left")
    axes.set_xlabel("epoch")
    axes.set_ylabel("nats per example")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))


def _runs(run):
    """Return the series of each run by its name, which is empty where there is one run without a name."""
    is_many = isinstance(run, Mapping) and any(_is_run(part) for part in run.values())
    runs = {str(name): _read(part) for name, part in run.items()} if is_many else {"": _read(run)}
    for series in runs.values():
        lengths = {len(values) for values in series.values()}
        if lengths == {0}:
            raise ValueError(f"`run` must hold epochs of at least one of {list(_PANELS)}. Received: {sorted(series)}")
        if len(lengths) > 1:
            raise ValueError(f"`run` must hold one value an epoch in each series. Received: lengths {sorted(lengths)}")
    return runs


def _is_run(part):
    return isinstance(part, (Mapping, str, os.PathLike)) or hasattr(part, "history")


def _read(run):
    if isinstance(run, (str, os.PathLike)):
        return _of_file(os.fspath(run))
    run = getattr(run, "history", run)
    if not isinstance(run, Mapping):
        raise ValueError(
            f"`run` must be what `fit` returns, its history, or a CSV file. Received: {type(run).__name__}"
        )
    return {name: [float(value) for value in values] for name, values in run.items()}


def _of_file(path):
    """Read the CSV file of a training: a row for each epoch, and nothing but numbers in it."""
    try:
        text = read_bytes(path).decode("utf-8")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BrokenFileError(f"{str(path)!r} must be a CSV file. Received: {error}") from error
    names = rows[0] if rows else []
    logged = {name.removeprefix("val_") for name in names}
    if not logged & set(_PANELS) or len(set(names)) < len(names) or len(rows) < 2:
        raise BrokenFileError(
            f"{str(path)!r} must hold epochs of at least one of {list(_PANELS)}, each column once. "
            f"Received: {len(rows)} rows of {printable(repr(names))[:200]}"
        )
    short = next((number for number, row in enumerate(rows) if len(row) != len(names)), None)
    if short is not None:
        raise BrokenFileError(
            f"{str(path)!r} must have {len(names)} values in each row. Received: {len(rows[short])} in row {short + 1}"
        )
    columns = ([value or "nan" for value in column] for column in zip(*rows[1:], strict=True))
    found = check_content(dict(zip(names, columns, strict=True)), dict[str, list[float]], str(path))
    return {name: values for name, values in found.items() if name != "epoch"}
