"""keras-vae evaluate: from a saved model and the name of a data set to the model's numbers."""

import datetime
import json
import pathlib
import shutil
import sys
import textwrap
from typing import Annotated, Literal

import typer

from keras_vae_cli.command import Mistake, as_mistake, quiet_start, versions
from keras_vae_cli.model_argument import Model, locate
from keras_vae_cli.settings import is_folder


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
        int | None, typer.Option(min=1, help="Evaluate the first images only, at most this many.", show_default=False)
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
    with quiet_start():
        import keras_vae as kv
        from keras_vae_cli.loading import load_images, load_model, observations

    with as_mistake(TypeError, ValueError, OSError):
        vae = load_model(model)
        images = load_images([dataset], vae.event_shape, split=split, limit=limit)
        x, values = observations(vae.likelihood, images, binarize)
        # A folder has no split: all its images are taken.
        part = {} if is_folder(dataset) else {"split": split}
        size, words = " x ".join(map(str, x.shape[1:])), "".join(f"{name} " for name in part.values())
        typer.echo(f"Evaluating {model} on {len(x):,} {words}images of {dataset}, {size}; values {values}")
        found = kv.evaluation.evaluate_vae(
            vae, x, method=method, num_samples=num_samples, seed=seed, progress=sys.stdout.isatty()
        )
        typer.echo(_fitted(str(found)))
        if json_file is not None:
            date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            about = {"model": model, "dataset": dataset, **part, "values": values}
            record = {**found.to_dict(), **about, "versions": versions(), "date": date}
            with kv.core.atomic_write(json_file) as aside:
                aside.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
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
