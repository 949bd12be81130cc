"""--output, the option that several commands have: what is written follows from each name."""

from keras_vae_cli.command import Mistake

KINDS = {".png": "a picture", ".gif": "a moving picture", ".npy": "an array", "": "a directory of single PNGs"}


def check_outputs(outputs, *, allowed, overwrite):
    """Find what is wrong with the names of outputs before TensorFlow is started."""
    for output in outputs:
        if output.suffix.lower() not in allowed:
            kinds = "; or ".join(f"end in {suffix}, for {KINDS[suffix]}" for suffix in allowed if suffix)
            if "" in allowed:
                kinds += f"; or have no ending, for {KINDS['']}"
            raise Mistake(f"`--output` must {kinds}. Received: {str(output)!r}")
        if not output.resolve().parent.is_dir():
            raise Mistake(f"`--output` must be in an existing directory. Received: {str(output)!r}")
        if output.is_dir() != (output.suffix == "") and output.exists():
            raise Mistake(f"`--output` must be {KINDS[output.suffix.lower()]}. Received: {str(output)!r}")
        if (output.is_file() or (output.is_dir() and any(output.iterdir()))) and not overwrite:
            raise Mistake(
                f"`--output` already exists: take another name, or --overwrite to replace it. Received: {str(output)!r}"
            )


def in_words(outputs, count):
    """Say what was written."""
    return "Wrote " + ", ".join(f"{path} ({count} files)" if path.suffix == "" else str(path) for path in outputs)


def write_outputs(outputs, images, *, picture):
    """Write images, values from 0 to 1, in each way asked for; each file is whole or not there."""
    import numpy as np  # here, for the sake of a quick `--help`

    import keras_vae as kv

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
    import numpy as np
    from PIL import Image

    import keras_vae as kv

    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            "The model must be one of images, grey or in colour, to write PNG files; an array, .npy, holds all else. "
            f"Received: observations of shape {images.shape[1:]}"
        )
    directory.mkdir(exist_ok=True)
    pixels = np.round(255 * images).astype(np.uint8)
    width = max(4, len(str(len(pixels) - 1)))  # names sort in their order
    for number, picture in enumerate(pixels):
        with kv.core.atomic_write(directory / f"{number:0{width}}.png") as aside:
            Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).save(aside)
