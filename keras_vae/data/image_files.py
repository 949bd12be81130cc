"""Image files: finding them in a folder, and reading them into arrays of a given size."""

import hashlib
import os
import pathlib
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from keras_vae.core import check_choice, check_shape

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

_MODES = {1: "L", 3: "RGB"}


class BrokenImageError(ValueError):
    """A file that should hold an image does not; the message names it.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    reason : str
        What is wrong with it.

    Attributes
    ----------
    path, reason
        The arguments.
    """

    def __init__(self, path: str | os.PathLike[str], reason: Any) -> None:
        self.path, self.reason = str(path), str(reason)
        super().__init__(f"{self.path!r} must be a whole image file. Received: {self.reason}")

    def __reduce__(self):
        """Rebuild from the arguments: an exception is pickled by its message otherwise."""
        return BrokenImageError, (self.path, self.reason)


def find_images(path, recursive):
    """Return the names of images within a folder by their suffix: sorted, with slashes, and no hidden ones."""
    path = pathlib.Path(path)
    if not path.is_dir():
        what = "a file" if path.is_file() else "no such folder"
        raise FileNotFoundError(f"`path` must be a folder of images. Received: {str(path)!r}, {what}")
    found, others, seen = [], 0, set()
    for directory, folders, names in os.walk(path, followlinks=True):
        real = os.path.realpath(directory)
        is_new = real not in seen  # a link may lead back to where it is
        seen.add(real)
        folders[:] = [folder for folder in sorted(folders) if recursive and is_new and not folder.startswith(".")]
        names = names if is_new else []
        images = [name for name in names if name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith(".")]
        found.extend(pathlib.Path(directory, name).relative_to(path).as_posix() for name in images)
        others += len(names) - len(images)
    if not found:
        hint = "" if recursive else " Images in folders within it are found with recursive=True."
        raise ValueError(
            f"`path` must hold images, files that end in {', '.join(IMAGE_SUFFIXES)}.{hint} "
            f"Received: {str(path)!r} with {others} other files"
        )
    return sorted(found)


def is_in_validation(name, share):
    """Return whether a file belongs to the validation set: a pure function of its name, whatever else is there."""
    digest = hashlib.sha256(os.fsencode(name)).digest()
    return int.from_bytes(digest[:8]) < share * 2.0**64


def read_image(path, image_size, channels):
    """Read an image file, crop the centre to the shape wanted, and resize that.

    A photograph is turned as its camera says, transparent places become white, 16 bits become 8, and of an animation
    the first picture is taken.
    """
    from PIL import Image, ImageOps  # here, for the sake of a quick `import keras_vae`

    height, width = image_size
    try:
        with Image.open(path) as image:
            # A large JPEG is decoded at a fraction of its size where that is enough.
            image.draft(None, (width, height))
            image = ImageOps.exif_transpose(image)
            image = _flat(image).convert(_MODES[channels])
            image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
    except Exception as error:  # a decoder raises what it likes at bytes that make no sense
        raise BrokenImageError(path, f"{type(error).__name__}: {error}") from error
    return np.asarray(image).reshape(height, width, channels)


def _flat(image):
    """Return an image of 8 bits without transparency."""
    from PIL import Image

    if image.mode.startswith("I"):
        # Pillow would clip what is beyond 255.
        return Image.fromarray((np.asarray(image).astype(np.uint32) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image


def read_images(
    path: str | os.PathLike[str],
    files: Sequence[str],
    image_size: int | Sequence[int],
    *,
    channels: Literal[1, 3] = 3,
) -> np.ndarray:
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
    """Return height and width of `image_size`, the side of a square or a pair."""
    expected = "a positive integer, or a pair (height, width) of them"
    sides = (image_size, image_size) if np.ndim(image_size) == 0 else image_size
    if check_shape("image_size", sides, expected=expected) and len(sides) != 2:
        raise ValueError(f"`image_size` must be {expected}. Received: image_size={image_size!r}")
    return tuple(map(int, sides))
