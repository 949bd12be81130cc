"""A folder of cartoon faces."""

import csv
import io
import os
import pathlib

from keras_vae.core import atomic_write, check_integer, check_writable_directory
from keras_vae.data.cartoon_faces.draw_face import draw_face
from keras_vae.data.cartoon_faces.factors import FACTORS, face_factors
from keras_vae.data.read_factors import FACTORS_FILE, FILE_COLUMN


def write_faces(
    directory: str | os.PathLike[str],
    num_faces: int,
    *,
    start: int = 0,
    image_size: int = 256,
    seed: int = 0,
) -> pathlib.Path:
    """Draw cartoon faces into a folder: a PNG file for each, and `factors.csv` with the factors of all.

    One face is in memory at a time. `factors.csv` is written last; a folder that already holds exactly these faces is
    left as it is.

    Parameters
    ----------
    directory : str or os.PathLike
        The folder, made if need be.
    num_faces : int
        How many.
    start : int
        The number of the first face.
    image_size : int
        Height and width, in pixels.
    seed : int
        Which endless sequence of faces.

    Returns
    -------
    pathlib.Path
        `directory`.

    Raises
    ------
    ValueError
        If a number is out of range.
    OSError
        If the folder cannot be written.

    Examples
    --------
    >>> folder = write_faces("faces", 1000)
    >>> faces = image_folder(folder, 256, shuffle=True)
    """
    from PIL import Image  # here, for the sake of a quick `import keras_vae`

    check_integer("num_faces", num_faces, minimum=1)
    check_integer("start", start, minimum=0)
    check_integer("image_size", image_size, minimum=8)
    folder: pathlib.Path = check_writable_directory(pathlib.Path(directory).expanduser())
    faces = {f"face_{index:07d}.png": face_factors(index, seed) for index in range(start, start + num_faces)}
    table = _table(faces)
    if _holds(folder, faces, table, image_size):
        return folder
    (folder / FACTORS_FILE).unlink(missing_ok=True)
    for name, factors in faces.items():
        with atomic_write(folder / name) as aside:
            Image.fromarray(draw_face(factors, image_size)).save(aside)
    with atomic_write(folder / FACTORS_FILE) as aside:
        aside.write_text(table, encoding="utf-8", newline="")
    return folder


def _table(faces):
    table = io.StringIO(newline="")
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow([FILE_COLUMN, *FACTORS])
    rows.writerows([name, *factors.values()] for name, factors in faces.items())
    return table.getvalue()


def _holds(directory, faces, table, image_size):
    from PIL import Image

    path = directory / FACTORS_FILE
    if not path.is_file() or path.read_text(encoding="utf-8") != table:
        return False
    if not all((directory / name).is_file() for name in faces):
        return False
    with Image.open(directory / next(iter(faces))) as first:
        return first.size == (image_size, image_size)
