"""Image files: finding them in a folder, and reading one into an array of a given size."""

import hashlib
import os
import pathlib

import numpy as np

from keras_vae.data.broken_image_error import BrokenImageError

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

_MODES = {1: "L", 3: "RGB"}


def find_images(path, recursive):
    """Return the names of all files in a folder that are images by their suffix.

    Parameters
    ----------
    path : str or os.PathLike
        The folder.
    recursive : bool
        Whether folders within it are searched too.

    Returns
    -------
    list of str
        Sorted names relative to the folder, with slashes on every system. Hidden files and folders are left out.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If it holds no images.
    """
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
    """Tell whether a file belongs to the validation set: a pure function of its name, whatever else is there.

    Parameters
    ----------
    name : str
        The file's name within the folder.
    share : float
        Of all files, about how many are in the validation set.

    Returns
    -------
    bool
    """
    digest = hashlib.sha256(os.fsencode(name)).digest()
    return int.from_bytes(digest[:8]) < share * 2.0**64


def read_image(path, image_size, channels):
    """Read an image file, crop the centre to the shape wanted, and resize that.

    A photograph is turned as its camera says, transparent places become white, 16 bits become 8, and of an animation
    the first picture is taken.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    image_size : tuple of int
        Height and width wanted.
    channels : {1, 3}
        Grey or colour.

    Returns
    -------
    numpy.ndarray
        Shape (height, width, channels), uint8.

    Raises
    ------
    BrokenImageError
        If the file is not there, or not a whole image.
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
