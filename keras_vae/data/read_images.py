"""Some images of a folder as an array."""

import pathlib

import numpy as np

from keras_vae.core import check_choice, check_shape
from keras_vae.data.image_files import read_image


def read_images(path, files, image_size, *, channels=3):
    """Read some images of a folder into memory, as `image_folder` reads them.

    Parameters
    ----------
    path : str or os.PathLike
        The folder.
    files : sequence of str
        The images, by their names within the folder.
    image_size : int or tuple of int
        Side of a square, or height and width; each image is cropped at its centre and resized to it.
    channels : {1, 3}
        Grey or colour.

    Returns
    -------
    numpy.ndarray
        Shape (n, height, width, channels), uint8.

    Raises
    ------
    ValueError
        If an argument is out of range or `files` is empty, and, as a `BrokenImageError`, if a file is not there or not
        a whole image; the message names it.
    """
    size = check_image_size(image_size)
    check_choice("channels", channels, (1, 3))
    files = list(files)
    if not files:
        raise ValueError("`files` must name at least one image. Received: none")
    folder = pathlib.Path(path).expanduser()
    return np.stack([read_image(folder / name, size, channels) for name in files])


def check_image_size(image_size):
    """Check that an argument is a size of images.

    Parameters
    ----------
    image_size : int or tuple of int
        Side of a square, or height and width.

    Returns
    -------
    tuple of int
        Height and width.

    Raises
    ------
    ValueError
        If it is neither.
    """
    expected = "a positive integer, or a pair (height, width) of them"
    sides = (image_size, image_size) if np.ndim(image_size) == 0 else image_size
    if check_shape("image_size", sides, expected=expected) and len(sides) != 2:
        raise ValueError(f"`image_size` must be {expected}. Received: image_size={image_size!r}")
    return tuple(map(int, sides))
