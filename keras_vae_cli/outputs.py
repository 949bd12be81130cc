"""What commands write: checked before TensorFlow starts, whole or not there, and no empty directory left."""

import contextlib
import os
import pathlib
import shutil

from keras_vae_cli.command import Mistake
from keras_vae_cli.screen import counted

KINDS = {
    ".png": "a picture",
    ".gif": "a moving picture",
    ".npy": "an array",
    ".npz": "arrays",
    ".csv": "a table",
    "": "a directory of single PNGs",
}


def check_outputs(outputs, *, allowed, overwrite):
    """Find what is wrong with the names of outputs before TensorFlow is started."""
    for output in outputs:
        if output.suffix.lower() not in allowed:
            kinds = "; or ".join(f"end in {suffix}, for {KINDS[suffix]}" for suffix in allowed if suffix)
            if "" in allowed:
                kinds += f"; or have no ending, for {KINDS['']}"
            raise Mistake(f"`--output` must {kinds}. Received: {str(output)!r}")
        if output.exists() and output.is_dir() != (output.suffix == ""):
            raise Mistake(f"`--output` must be {KINDS[output.suffix.lower()]}. Received: {str(output)!r}")
        check_free(output, "--output", overwrite)
    check_not_twice(outputs)


def check_not_twice(outputs):
    """Refuse two outputs that are one."""
    for number, output in enumerate(outputs):
        if output.resolve() in [other.resolve() for other in outputs[:number]]:
            raise Mistake(f"`--output` must name each file once. Received: {str(output)!r} twice")


def check_free(path, option, overwrite):
    """Refuse what is there already, unless it may be replaced, and what cannot be written."""
    if (path.is_file() or (path.is_dir() and any(path.iterdir()))) and not overwrite:
        raise Mistake(
            f"`{option}` already exists: take another name, or --overwrite to replace it. Received: {str(path)!r}"
        )
    check_writable(path, option)


def check_writable(path, option):
    """Prove as well as can be, and without writing, that a file or a directory can be written."""
    above = path.absolute() if path.is_dir() else path.absolute().parent
    while not above.exists():
        above = above.parent
    reason = None
    if not above.is_dir():
        reason = f"{above} is not a directory"
    elif os.statvfs(above).f_flag & os.ST_RDONLY:
        reason = "Read-only file system"
    elif not os.access(above, os.W_OK):
        reason = f"{above} may not be written"
    elif os.statvfs(above).f_bavail == 0:
        reason = "No space left on device"
    if reason is not None:
        raise Mistake(f"`{option}` must be writable. Received: {str(path)!r} ({reason})")


def check_room(outputs, num_bytes):
    """Refuse arrays that are larger than what is free, before they are computed."""
    for output in outputs:
        if output.suffix.lower() == ".npy":
            free = shutil.disk_usage(_existing(output)).free
            if num_bytes > free:
                raise Mistake(
                    f"`--output` must have room for {num_bytes / 1e6:,.0f} MB. Received: {str(output)!r}, where "
                    f"{free / 1e6:,.0f} MB are free"
                )


def _existing(path):
    return next(above for above in path.absolute().parents if above.exists())


@contextlib.contextmanager
def parents_made(path):
    """Make the directories above a path; if the block fails, those that it made are removed again."""
    path = pathlib.Path(path).absolute()
    made = [above for above in path.parents if not above.exists()]  # the innermost first
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # something else may be in them by now
            for above in made:
                above.rmdir()
        raise


def written(outputs, count):
    """Say what was written."""
    return "Wrote " + ", ".join(
        f"{path} ({counted(count, 'file')})" if path.suffix == "" else str(path) for path in outputs
    )


def write_outputs(outputs, images, *, picture, names=None):
    """Write images, values from 0 to 1, in each way asked for; each file is whole or not there.

    `names` are those of single images, by default their numbers.
    """
    import numpy as np  # here, for the sake of a quick `--help`

    import keras_vae as kv

    for output in outputs:
        with parents_made(output):
            if output.suffix == "":
                _write_single(output, images, names)
                continue
            with kv.core.atomic_write(output) as aside:
                if output.suffix.lower() == ".npy":
                    np.save(aside, images)
                else:
                    picture().savefig(aside)


def _write_single(directory, images, names):
    import numpy as np
    from PIL import Image

    import keras_vae as kv

    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            "The model must be one of images, grey or in colour, to write PNG files; an array, .npy, holds all else. "
            f"Received: observations of shape {images.shape[1:]}"
        )
    pixels = np.round(255 * images).astype(np.uint8)
    if names is None:
        width = max(4, len(str(len(pixels) - 1)))  # names sort in their order
        names = [f"{number:0{width}}" for number in range(len(pixels))]
    with contextlib.ExitStack() as stack:
        # A new directory is whole or not there; into an older one each file is written for itself.
        target = directory if directory.is_dir() else stack.enter_context(kv.core.atomic_directory(directory))
        for name, picture in zip(names, pixels, strict=True):
            path = target / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            with kv.core.atomic_write(path) as aside:
                Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).save(aside)
