"""keras-vae export: a model for programs without Python."""

import pathlib
from typing import Annotated, Literal

import typer

from keras_vae_cli import options
from keras_vae_cli.arguments import locate
from keras_vae_cli.command import Mistake, as_mistake, quiet_start
from keras_vae_cli.outputs import check_writable, parents_made
from keras_vae_cli.screen import say


def export(
    model: options.Model,
    output: Annotated[
        pathlib.Path,
        typer.Option(
            help="saved_model: the directory of the model's versions, in which this one gets its own; others: a new "
            "directory.",
            show_default=False,
        ),
    ],
    format: Annotated[
        Literal["saved_model", "litert", "onnx"],
        typer.Option(
            help="saved_model, for TensorFlow Serving and TensorFlow's C API; litert, for phones; or onnx, which needs "
            "the extra: pip install 'keras-vae\\[onnx]'.",
            metavar="<name>",
        ),
    ] = "saved_model",
    version: Annotated[
        int | None,
        typer.Option(help="saved_model: its number.", show_default="one more than the latest", **options.COUNT),
    ] = None,
):
    """Export a model to a format that runs without Python.

    A SavedModel reconstructs, encodes, decodes, generates and scores;
    LiteRT and ONNX get encoder and decoder, a file each.

    \b
    Examples:
      keras-vae export runs/fashion --output served/fashion
      keras-vae export runs/fashion --format litert --output phone/fashion
    """
    if version is not None and format != "saved_model":
        raise Mistake(f"`--version` must be left out except for --format saved_model. Received: {version}")
    if format != "saved_model" and output.exists():
        raise Mistake(f"`--output` must be a new directory for --format {format}. Received: {str(output)!r}")
    if output.exists() and not output.is_dir():
        raise Mistake(f"`--output` must be a directory. Received: {str(output)!r}, a file")
    check_writable(output, "--output")
    locate(model)
    with quiet_start():
        import keras_vae as kv
        from keras_vae_cli.loading import Trained

    # A SavedModel goes into a directory of its own within the output.
    inside = output / "version" if format == "saved_model" else output
    with as_mistake(TypeError, ValueError, OSError, ImportError), parents_made(inside):
        vae = Trained(model).vae
        say(f"Exporting {model}")
        if format == "saved_model":
            written = kv.export.saved_model(vae, output, version)
        else:
            written = {"litert": kv.export.litert, "onnx": kv.export.onnx}[format](vae, output)
    say(f"Wrote {written}")
