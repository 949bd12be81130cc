"""Image files: finding them in a folder, and reading them into arrays of a given size."""

import hashlib
import os
import pathlib
import stat
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from keras_vae.core import check_choice, check_integer, check_shape

# The formats that are read, by Pillow's names, and the endings of their files. Pillow knows many more.
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP")
IMAGE_SUFFIXES = (".avif", ".bmp", ".gif", ".j2k", ".jp2", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

# 8192 x 8192 pixels, which take up to 800 MB to decode.
MAX_PIXELS = 2**26

_MODES = {1: "L", 3: "RGB"}

# Tags of a TIFF, and values of theirs.
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_WHITE_IS_ZERO, _SIGNED = 0, 2


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
            f"Received: {str(path)!r} with {others} other file{'s' * (others != 1)}"
        )
    return sorted(found)


def is_in_validation(name, share):
    """Return whether a file belongs to the validation set: a pure function of its name, whatever else is there."""
    digest = hashlib.sha256(os.fsencode(name)).digest()
    return int.from_bytes(digest[:8]) < share * 2.0**64


def read_image(path, image_size, channels, max_pixels=MAX_PIXELS):
    """Read an image file, crop the centre to the shape wanted, and resize that.

    A photograph is turned as its camera says, transparent places become white, of an animation the first picture is
    taken, and values of more than 8 bits are scaled: the largest that the file's bits can hold becomes white.
    """
    from PIL import Image, ImageOps  # here, for the sake of a quick `import keras_vae`

    height, width = image_size
    try:
        with _ordinary_file(path) as file, _opened(file, path) as image:
            if image.width * image.height > max_pixels:
                raise ValueError(
                    f"{image.width} x {image.height} pixels, more than the {max_pixels:,} that `max_pixels` allows"
                )
            levels = _levels(image)
            # A large JPEG is decoded at a fraction of its size where that is enough.
            image.draft(None, (width, height))
            ImageOps.exif_transpose(image, in_place=True)
            flat = _flat(image, *levels)
            if flat.mode != _MODES[channels]:  # else `convert` would copy it
                flat = flat.convert(_MODES[channels])
            flat = ImageOps.fit(flat, (width, height), Image.Resampling.BILINEAR)
    except Exception as error:  # a decoder raises what it likes at bytes that make no sense
        reason = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
        raise BrokenImageError(path, reason) from error
    return np.asarray(flat).reshape(height, width, channels)


def _ordinary_file(path):
    """Open a file for reading; a pipe would wait for its writer forever."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError("a pipe, a device or a folder, not an ordinary file")
    return os.fdopen(descriptor, "rb")


def _opened(file, path):
    """Open an image in one of the known formats, and read no more than its header.

    `Image.open` would try every format that Pillow knows, and apply its own bound to the number of pixels.
    """
    from PIL import Image

    Image.init()
    beginning = file.read(16)
    for name in _FORMATS:
        factory, accepts = Image.OPEN.get(name, (None, None))
        accepted = factory is not None and accepts(beginning)
        if isinstance(accepted, str):  # why this Pillow cannot read it
            raise ValueError(accepted)
        if accepted:
            file.seek(0)
            return factory(file, os.fspath(path))
    known = ", ".join(name for name in _FORMATS if name in Image.OPEN)
    raise ValueError(f"no image of a known format: {known}" if beginning else "an empty file")


def _levels(image):
    """Return the value that stands for white where a value has more than 8 bits, and whether it stands for black.

    It is the largest that the bits can hold, or 1 for floats. Of integers of 32 bits it is not known, and None.
    """
    tags = getattr(image, "tag_v2", {})  # of a TIFF
    is_inverted = tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    if image.mode == "F":
        return 1, is_inverted
    is_signed = tags.get(_SAMPLE_FORMAT, (1,))[0] == _SIGNED
    bits = tags.get(_BITS_PER_SAMPLE, (16,))[0]
    return 2 ** (bits - is_signed) - 1 if bits <= 16 else None, is_inverted


def _flat(image, white, is_inverted):
    """Return an image of 8 bits a value, without transparency."""
    from PIL import Image

    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image)
        low, high = values.min(), values.max()
        if white is None or not (low >= 0 and high <= white):  # also refuses NaN
            raise ValueError(
                f"{'floats' if image.mode == 'F' else 'integers'} from {low:g} to {high:g}, and nothing says which "
                "value is white: save it with 8 or 16 bits, or as floats from 0 to 1"
            )
        grey = np.rint(values * np.float32(255 / white)).astype(np.uint8)
        return Image.fromarray(255 - grey if is_inverted else grey)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image if image.mode == "RGBA" else image.convert("RGBA"))
        return white
    return image


def read_images(
    path: str | os.PathLike[str],
    files: Sequence[str],
    image_size: int | Sequence[int],
    *,
    channels: Literal[1, 3] = 3,
    max_pixels: int = MAX_PIXELS,
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
    max_pixels : int
        The most pixels that a file may have; one with more is refused before it is decoded.

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
    check_integer("max_pixels", max_pixels, minimum=1)
    files = list(files)
    if not files:
        raise ValueError("`files` must name at least one image. Received: none")
    folder = pathlib.Path(path).expanduser()
    return np.stack([read_image(folder / name, size, channels, max_pixels) for name in files])


def check_image_size(image_size):
    """Return height and width of `image_size`, the side of a square or a pair."""
    expected = "a positive integer, or a pair (height, width) of them"
    sides = (image_size, image_size) if np.ndim(image_size) == 0 else image_size
    if check_shape("image_size", sides, expected=expected) and len(sides) != 2:
        raise ValueError(f"`image_size` must be {expected}. Received: image_size={image_size!r}")
    return tuple(map(int, sides))
