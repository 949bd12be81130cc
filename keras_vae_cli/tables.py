"""Numbers for each image, as a table for spreadsheets or as arrays for NumPy."""

import csv

import numpy as np

import keras_vae as kv
from keras_vae_cli.outputs import parents_made
from keras_vae_cli.screen import Bar

_BLOCK = 128


def in_blocks(x, words):
    """Yield the rows of an array, or of a dictionary of arrays, in batches, and move a bar."""
    fields = x if isinstance(x, dict) else {"x": x}
    size = len(fields["x"])
    with Bar(words, size) as bar:
        for start in range(0, size, _BLOCK):
            yield {name: rows[start : start + _BLOCK] for name, rows in fields.items()}
            bar.to(min(start + _BLOCK, size))


def write_tables(outputs, images, columns):
    """Write file names, classes and columns, arrays of shape (n, ...), to CSV and npz files."""
    names = {"file": images.names}
    if images.classes is not None:
        names["class"] = images.classes
    for output in outputs:
        with parents_made(output), kv.core.atomic_write(output) as aside:
            if output.suffix.lower() == ".npz":
                plural = {"file": "files", "class": "classes"}
                np.savez(aside, **{plural[name]: np.array(values) for name, values in names.items()}, **columns)
                continue
            flat = {name: values.reshape(len(values), -1) for name, values in columns.items()}
            head = [
                f"{name}_{i}" if columns[name].ndim > 1 else name for name in flat for i in range(flat[name].shape[1])
            ]
            with open(aside, "w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow([*names, *head])
                for row, numbers in zip(zip(*names.values(), strict=True), np.hstack(list(flat.values())), strict=True):
                    writer.writerow([*row, *(f"{number:.7g}" for number in numbers)])
