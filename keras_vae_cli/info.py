"""keras-vae info: what a model is."""

import pathlib
from typing import Annotated

import typer

from keras_vae_cli.arguments import MODEL_FILE, locate
from keras_vae_cli.command import as_mistake, printable, quiet_start
from keras_vae_cli.screen import say


def info(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="The directory of a run, the name of a pretrained model, a file that ends in .keras, or the directory "
            "of an exported model.",
            show_default=False,
        ),
    ],
):
    """Show what a model is: parts, shapes, sizes, versions, how it was trained.

    Of an exported model: its signatures, with the names, types and shapes of
    what goes in and comes out, after a check of its files.

    \b
    Examples:
      keras-vae info runs/fashion
      keras-vae info served/fashion/1
    """
    is_exported = _is_exported(model)
    if not is_exported:
        locate(model)
    with quiet_start():
        from keras_vae_cli.descriptions import describe_export, describe_model

    with as_mistake(TypeError, ValueError, OSError):
        lines = describe_export(pathlib.Path(model).expanduser()) if is_exported else describe_model(model)
        say(printable("\n".join(lines)))


def _is_exported(model):
    path = pathlib.Path(model).expanduser()
    if not path.is_dir() or (path / MODEL_FILE).exists():
        return False
    versions = [entry for entry in path.iterdir() if entry.name.isdecimal()]
    exported = ("saved_model.pb", "encoder.tflite", "encoder.onnx")
    return any((directory / name).is_file() for directory in (path, *versions) for name in exported)
