"""--output, the option that several commands have: what is written follows from each name."""

import pathlib

from keras_vae_cli.mistake import Mistake

KINDS = {".png": "a picture", ".gif": "a moving picture", ".npy": "an array", "": "a directory of single PNGs"}


def check_outputs(outputs, *, allowed, overwrite):
    """Find what is wrong with the names of outputs before TensorFlow is started.

    Parameters
    ----------
    outputs : sequence of pathlib.Path
        What the user gave.
    allowed : sequence of str
        Suffixes among those of `KINDS`.
    overwrite : bool
        Whether older files are replaced.

    Raises
    ------
    Mistake
        If one has another suffix, lies nowhere, or is there already.
    """
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
    """Say what was written.

    Parameters
    ----------
    outputs : sequence of pathlib.Path
        What the user gave.
    count : int
        How many images there are.

    Returns
    -------
    str
    """
    return "Wrote " + ", ".join(f"{path} ({count} files)" if path.suffix == "" else str(path) for path in outputs)


def numbered(directory, count):
    """Name the single pictures of a directory, so that they sort in their order.

    Parameters
    ----------
    directory : pathlib.Path
        The directory.
    count : int
        How many.

    Returns
    -------
    list of pathlib.Path
    """
    width = max(4, len(str(count - 1)))
    return [pathlib.Path(directory) / f"{number:0{width}}.png" for number in range(count)]
