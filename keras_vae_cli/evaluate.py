"""keras-vae evaluate: from a saved model and the name of a data set to the model's numbers."""

import pathlib
import shutil
import sys
import textwrap
from typing import Annotated, Literal

import typer

from keras_vae_cli.mistake import Mistake, told_in_one_line
from keras_vae_cli.model_argument import Model, locate
from keras_vae_cli.quiet import quiet_start


def evaluate(
    model: Model,
    dataset: Annotated[
        str,
        typer.Argument(
            help="fashion_mnist, mnist, cifar10, digits or cartoon_faces; or a folder of images, with a slash in its "
            "name.",
            show_default=False,
        ),
    ],
    split: Annotated[
        Literal["test", "train"],
        typer.Option(help="Which images of a data set with a name; of a folder all are taken."),
    ] = "test",
    binarize: Annotated[
        Literal["auto", "fixed", "none"],
        typer.Option(
            help="fixed: the images are drawn once, as `train` draws its test images; none: values stay grey; "
            "auto: fixed for a Bernoulli likelihood, none for others."
        ),
    ] = "auto",
    method: Annotated[
        Literal["importance", "prior", "ais"], typer.Option(help="How the evidence is estimated.")
    ] = "importance",
    num_samples: Annotated[
        int | None,
        typer.Option(min=1, help="Samples for the evidence of each image: by default 5000, with ais 16 chains."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Evaluate the first so many images only.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Of the noise.")] = 0,
    json_file: Annotated[
        pathlib.Path | None, typer.Option("--json", help="Also write the numbers to this file.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an older file of numbers.")] = False,
):
    """Evaluate a model: bound, evidence, bits per dimension, active units, collapse.

    All numbers are nats per image where nothing else is said.

    \b
    Examples:
      keras-vae evaluate runs/fashion fashion_mnist --json runs/fashion.json
      keras-vae evaluate runs/fashion fashion_mnist --limit 500 --method ais
    """
    locate(model)
    _check_json(json_file, overwrite)
    typer.echo("Starting TensorFlow")
    with quiet_start():
        from keras_vae_cli import evaluation_run

    with told_in_one_line(TypeError, ValueError, OSError):
        run = evaluation_run.prepare(model, dataset, split=split, binarize=binarize, limit=limit)
        typer.echo(run.announcement())
        found = run.evaluate(method=method, num_samples=num_samples, seed=seed, progress=sys.stdout.isatty())
        typer.echo(_fitted(str(found)))
        if json_file is not None:
            run.write(found, json_file)
            typer.echo(f"Wrote {json_file}")


def _check_json(json_file, overwrite):
    """Find what is wrong with the file before TensorFlow is started."""
    if json_file is None:
        return
    if json_file.is_dir() or not json_file.resolve().parent.is_dir():
        raise Mistake(f"`--json` must be a file in an existing directory. Received: {str(json_file)!r}")
    if json_file.exists() and not overwrite:
        raise Mistake(
            f"`--json` already exists: take another file, or --overwrite to replace it. Received: {str(json_file)!r}"
        )


def _fitted(table):
    """Break lines that are wider than the screen, where there is one."""
    if not sys.stdout.isatty():
        return table
    width = shutil.get_terminal_size().columns
    return "\n".join(textwrap.fill(line, width, subsequent_indent=" " * 11) for line in table.splitlines())
