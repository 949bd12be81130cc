"""How a training went, epoch by epoch."""

import csv
import os
from collections.abc import Mapping

import numpy as np

from keras_vae.plots.style import BLUE, VERMILION, bare, new_figure

_PANELS = {
    "loss": "loss: what is minimised",
    "elbo": "elbo: higher is better",
    "reconstruction_loss": "reconstruction_loss: distortion",
    "kl_loss": "kl_loss: rate",
}


def history(run, *, title=None):
    """Show loss, elbo, reconstruction_loss and kl_loss of each epoch, for training and validation.

    Parameters
    ----------
    run : mapping, keras.callbacks.History, str or os.PathLike
        What `fit` returns, its `history`, or the path of a CSV file that `keras.callbacks.CSVLogger` wrote.
        Values are nats per example; keys that start with `val_` are of validation.
    title : str, optional
        What stands above.

    Returns
    -------
    matplotlib.figure.Figure
        One panel for each of the four that was logged.

    Raises
    ------
    ValueError
        If none of the four was logged, or the series differ in length.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> history(vae.fit(train, validation_data=test, epochs=5)).savefig("loss.png")
    """
    series = _read(run)
    panels = [key for key in _PANELS if key in series or f"val_{key}" in series]
    lengths = {len(values) for values in series.values()}
    if not panels or lengths == {0}:
        raise ValueError(f"`run` must hold epochs of at least one of {list(_PANELS)}. Received: {sorted(series)}")
    if len(lengths) > 1:
        raise ValueError(f"`run` must hold one value an epoch in each series. Received: lengths {sorted(lengths)}")

    num_rows, num_columns = -(-len(panels) // 2), min(len(panels), 2)
    figure = new_figure(3.9 * num_columns, 2.7 * num_rows + 0.5)
    grid = figure.subplots(num_rows, num_columns, squeeze=False).ravel()
    for axes, key in zip(grid, panels, strict=False):
        _panel(axes, key, series)
    for axes in grid[len(panels) :]:
        axes.remove()
    handles, names = grid[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=2, frameon=False, fontsize=9)
    if title:
        figure.suptitle(title, fontsize=10, x=0.02, ha="left")
    return figure


def _panel(axes, key, series):
    from matplotlib.ticker import MaxNLocator

    bare(axes)
    for name, label, colour, marker in ((key, "training", BLUE, "o"), (f"val_{key}", "validation", VERMILION, "s")):
        if name in series:
            values = series[name]
            # Single epochs are worth a mark each only where they are few.
            marker = marker if len(values) <= 30 else None
            axes.plot(np.arange(1, len(values) + 1), values, label=label, color=colour, marker=marker, markersize=3.5)
    axes.set_title(_PANELS[key], fontsize=10, loc="left")
    axes.set_xlabel("epoch")
    axes.set_ylabel("nats per image")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def _read(run):
    if isinstance(run, (str, os.PathLike)):
        with open(run, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        names = rows[0] if rows else ()
        return {name: [float(row[name] or "nan") for row in rows] for name in names if name != "epoch"}
    run = getattr(run, "history", run)
    if not isinstance(run, Mapping):
        raise ValueError(
            f"`run` must be what `fit` returns, its history, or a CSV file. Received: {type(run).__name__}"
        )
    return {name: [float(value) for value in values] for name, values in run.items()}
