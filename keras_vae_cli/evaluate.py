"""keras-vae evaluate: from a saved model and the name of a data set to the model's numbers."""

import enum
import pathlib
import sys
from typing import Annotated

import typer

from keras_vae_cli.mistake import Mistake, told_in_one_line
from keras_vae_cli.quiet import quiet_start


class Method(enum.StrEnum):
    """How the evidence is estimated."""

    importance = "importance"
    prior = "prior"
    ais = "ais"


class Split(enum.StrEnum):
    """Which part of the data set."""

    test = "test"
    train = "train"


class Binarization(enum.StrEnum):
    """Whether grey images become binary ones."""

    auto = "auto"
    fixed = "fixed"
    none = "none"


def evaluate(
    model: Annotated[pathlib.Path, typer.Argument(help="A saved model, MODEL.keras.", show_default=False)],
    dataset: Annotated[str, typer.Argument(help="fashion_mnist, mnist, cifar10 or digits.", show_default=False)],
    split: Annotated[Split, typer.Option(help="Which images.")] = Split.test,
    binarize: Annotated[
        Binarization,
        typer.Option(
            help="fixed: the images are drawn once, as `train` draws its test images; none: values stay grey; "
            "auto: fixed for a Bernoulli likelihood, none for others."
        ),
    ] = Binarization.auto,
    method: Annotated[Method, typer.Option(help="How the evidence is estimated.")] = Method.importance,
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
    """Evaluate a saved model: bound, evidence, bits per dimension, active units, posterior collapse.

    All numbers are nats per image where nothing else is said.
    """
    _check_paths(model, json_file, overwrite)
    typer.echo("Starting TensorFlow")
    with quiet_start():
        from keras_vae_cli import evaluation_run

    with told_in_one_line(TypeError, ValueError, OSError):
        run = evaluation_run.prepare(model, dataset, split=split.value, binarize=binarize.value, limit=limit)
        typer.echo(run.announcement())
        found = run.evaluate(method=method.value, num_samples=num_samples, seed=seed, progress=sys.stdout.isatty())
        typer.echo(str(found))
        if json_file is not None:
            run.write(found, json_file)
            typer.echo(f"Wrote {json_file}")


def _check_paths(model, json_file, overwrite):
    """Find what is wrong with the files before TensorFlow is started."""
    if not model.is_file():
        raise Mistake(f"`MODEL` must be a saved model, a file. Received: {str(model)!r}")
    if json_file is None:
        return
    if json_file.is_dir() or not json_file.resolve().parent.is_dir():
        raise Mistake(f"`--json` must be a file in an existing directory. Received: {str(json_file)!r}")
    if json_file.exists() and not overwrite:
        raise Mistake(
            f"`--json` already exists: take another file, or --overwrite to replace it. Received: {str(json_file)!r}"
        )
