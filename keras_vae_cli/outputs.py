"""Writing images: as a picture, as an array, or one by one."""

import numpy as np

import keras_vae as kv
from keras_vae_cli.output_argument import numbered


def write_outputs(outputs, images, *, picture):
    """Write images in each way asked for; each file is whole or not there.

    Parameters
    ----------
    outputs : sequence of pathlib.Path
        Names that `check_outputs` has checked.
    images : numpy.ndarray
        Shape (n, *event_shape): values from 0 to 1.
    picture : callable
        Makes the matplotlib figure for `.png`.

    Raises
    ------
    ValueError
        If the arrays are no images, and pictures are wanted.
    OSError
        If a file cannot be written.
    """
    for output in outputs:
        if output.suffix == "":
            _write_single(output, images)
            continue
        with kv.core.atomic_write(output) as aside:
            if output.suffix.lower() == ".npy":
                np.save(aside, images)
            else:
                picture().savefig(aside)


def _write_single(directory, images):
    from PIL import Image

    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            "The model must be one of images, grey or in colour, to write PNG files; an array, .npy, holds all else. "
            f"Received: observations of shape {images.shape[1:]}"
        )
    directory.mkdir(exist_ok=True)
    pixels = np.round(255 * images).astype(np.uint8)
    for path, picture in zip(numbered(directory, len(pixels)), pixels, strict=True):
        with kv.core.atomic_write(path) as aside:
            Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).save(aside)
