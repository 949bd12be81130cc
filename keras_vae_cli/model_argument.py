"""MODEL, the argument that several commands have: a file, a run's directory, or the name of a pretrained model."""

import os
import pathlib
from typing import Annotated

import typer

from keras_vae_cli.command import Mistake
from keras_vae_cli.run_directory import UNFINISHED

MODEL_FILE = "model.keras"

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A file that ends in .keras, the directory of a run, or the name of a pretrained model.",
        show_default=False,
    ),
]


def locate(model):
    """Find the file of a model, without starting TensorFlow."""
    path = pathlib.Path(model).expanduser()
    if path.is_file():
        return path
    if (path / MODEL_FILE).is_file():
        return path / MODEL_FILE
    unfinished = path / UNFINISHED / MODEL_FILE
    if unfinished.is_file():
        raise Mistake(f"`MODEL` must be a finished run; of this one there is {unfinished}. Received: {model!r}")
    if path.exists():
        raise Mistake(f"`MODEL` must be a directory with a {MODEL_FILE}. Received: {model!r}")
    if path.suffix or os.sep in model or "/" in model:
        raise Mistake(
            "`MODEL` must be a file that ends in .keras, the directory of a run, or the name of a pretrained model. "
            f"Received: {model!r}, which does not exist"
        )
    return None
