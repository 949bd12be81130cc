"""What is known of the images in a folder: tables of whole numbers beside them."""

import csv
import os
import pathlib
from collections.abc import Sequence

import numpy as np

FACTORS_FILE = "factors.csv"
FILE_COLUMN = "file"


def read_factors(path: str | os.PathLike[str], files: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the factors of some images in a folder, read from the tables beside them.

    Two forms are known: one table `factors.csv` in the folder, with a column `file` and a column for each factor, as
    `keras_vae.data.cartoon_faces.write_faces` writes it; and a table for each image, `name.csv` beside `name.png`,
    with lines of a factor's name, its value and the number of its values, as in Google's Cartoon Set.

    Parameters
    ----------
    path : str or os.PathLike
        The folder.
    files : sequence of str
        The images, by their names within the folder, such as the attribute `files` of what `image_folder` returns.

    Returns
    -------
    dict of str to numpy.ndarray
        For each factor its values, shape (n,), int64, in the order of `files`.

    Raises
    ------
    FileNotFoundError
        If there is neither table.
    ValueError
        If a table is broken or lacks an image; the message names it.

    Examples
    --------
    >>> faces = image_folder("faces", 256)
    >>> read_factors("faces", faces.files)["glasses"]
    array([3, 1, 1, ..., 0, 2, 0])
    """
    path, files = pathlib.Path(path).expanduser(), list(files)
    if not files:
        raise ValueError("`files` must name at least one image. Received: none")
    table = path / FACTORS_FILE
    rows = _one_table(table, files) if table.is_file() else [_own_table(path, name) for name in files]
    for name, row in zip(files, rows, strict=True):
        if row.keys() != rows[0].keys():
            raise ValueError(
                f"The images in {str(path)!r} must all have the same factors. Received: {sorted(rows[0])} for "
                f"{files[0]!r}, {sorted(row)} for {name!r}"
            )
    return {factor: np.array([row[factor] for row in rows], np.int64) for factor in rows[0]}


def _one_table(table, files):
    rows = {}
    with table.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            rows[row.pop(FILE_COLUMN, None)] = row
    missing = [name for name in files if name not in rows]
    if missing:
        raise ValueError(
            f"{str(table)!r} must have a row for each image, under {FILE_COLUMN!r} its name. "
            f"Received: none for {missing[0]!r}"
        )
    return [_whole(table, rows[name]) for name in files]


def _own_table(path, name):
    table = (path / name).with_suffix(".csv")
    if not table.is_file():
        raise FileNotFoundError(
            f"{str(path)!r} must hold the table {FACTORS_FILE!r}, or one for each image. "
            f"Received: neither that nor {table.relative_to(path).as_posix()!r}"
        )
    with table.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.reader(lines, skipinitialspace=True) if row]
    return _whole(table, {row[0]: row[1] if len(row) > 1 else None for row in rows})


def _whole(table, row):
    try:
        return {factor: int(value) for factor, value in row.items()}
    except (TypeError, ValueError) as error:
        raise ValueError(f"{str(table)!r} must be a table of whole numbers. Received: {error}") from error
