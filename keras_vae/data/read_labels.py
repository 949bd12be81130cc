"""Classes of the images in a folder: a table beside them, or the folders that they are in."""

import csv
import os
import pathlib
from collections.abc import Sequence

import numpy as np

LABELS_FILE = "labels.csv"
_FILE, _LABEL = "file", "label"


def read_labels(path: str | os.PathLike[str], files: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]] | None:
    """Return the classes of some images in a folder.

    They come from the table `labels.csv` in the folder, with the columns `file` and `label`, where there is one.
    Otherwise the first folder in an image's name is its class, if all images are in folders, and in two or more:
    `cats/1.jpg`, `dogs/1.jpg`.

    Parameters
    ----------
    path : str or os.PathLike
        The folder.
    files : sequence of str
        The images, by their names within the folder, such as the attribute `files` of what `image_folder` returns.

    Returns
    -------
    labels : numpy.ndarray
        Shape (n,), int64: the class of each image, from 0, in the order of `files`.
    class_names : tuple of str
        The names of all classes of the table or the folder; in the order of numbers where all are whole numbers, else
        in alphabetical order. Instead of the pair, None where there is neither a table nor folders.

    Raises
    ------
    ValueError
        If the table is broken or lacks an image; the message names it.

    Examples
    --------
    >>> pets = image_folder("pets", 64)
    >>> labels, class_names = read_labels("pets", pets.files)
    >>> class_names
    ('cats', 'dogs')
    """
    folder, files = pathlib.Path(path).expanduser(), list(files)
    table = folder / LABELS_FILE
    if table.is_file():
        by_file = _read_table(table)
        missing = [name for name in files if name not in by_file]
        if missing:
            raise ValueError(
                f"{str(table)!r} must have a row for each image, under {_FILE!r} its name. "
                f"Received: none for {missing[0]!r}"
            )
        names = [by_file[name] for name in files]
        class_names = _ordered(by_file.values())
    else:
        if not files or not all("/" in name for name in files):
            return None
        names = [name.split("/")[0] for name in files]
        # Of a part of the images some classes may be missing: the numbers of the others stay.
        class_names = _ordered([*names, *(entry.name for entry in folder.iterdir() if _is_class(entry))])
        if len(class_names) < 2:
            return None
    numbers = {name: number for number, name in enumerate(class_names)}
    return np.array([numbers[name] for name in names], np.int64), class_names


def _is_class(entry):
    return entry.is_dir() and not entry.name.startswith(".")


def _read_table(table):
    try:
        with table.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.DictReader(lines)
            by_file = {row[_FILE]: row[_LABEL] for row in rows}
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{str(table)!r} must be a table in UTF-8 with the columns {_FILE!r} and {_LABEL!r}. Received: {error!r}"
        ) from error
    if not all(by_file.values()):
        empty = next(name for name, label in by_file.items() if not label)
        raise ValueError(f"{str(table)!r} must have a label in each row. Received: none for {empty!r}")
    return by_file


def _ordered(names):
    names = set(names)
    return tuple(sorted(names, key=int) if all(name.isascii() and name.isdigit() for name in names) else sorted(names))
