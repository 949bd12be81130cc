"""keras-vae train: from the name of a data set to a trained model, its numbers and its pictures."""

import enum
import math
import pathlib
from typing import Annotated

import typer

from keras_vae_cli.mistake import told_in_one_line
from keras_vae_cli.quiet import quiet_start
from keras_vae_cli.run_directory import RUN_FILES, run_directory


class Binarization(enum.StrEnum):
    """How grey images become binary ones."""

    dynamic = "dynamic"
    fixed = "fixed"
    none = "none"


def _finite(value):
    if not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value


def _positive(value):
    if _finite(value) <= 0:
        raise typer.BadParameter(f"{value:g} is not > 0.")
    return value


def train(
    dataset: Annotated[
        str,
        typer.Argument(
            help="fashion_mnist, mnist, cifar10 or digits. Data are looked for in the directory named by the "
            "environment variable KERAS_VAE_DATA, then where the system or Keras keeps them.",
            show_default=False,
        ),
    ],
    output: Annotated[
        pathlib.Path, typer.Option(help="Directory for the model, its numbers and its pictures.", show_default=False)
    ],
    latent_dim: Annotated[int, typer.Option(min=1, help="Dimensions of the latent space.")] = 16,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training images.")] = 20,
    batch_size: Annotated[int, typer.Option(min=1, help="Images in a step.")] = 128,
    binarize: Annotated[
        Binarization,
        typer.Option(
            help="dynamic: afresh in each epoch, the test images once; fixed: once; none: grey values, with which "
            "the loss is a cross-entropy and no density."
        ),
    ] = Binarization.dynamic,
    beta: Annotated[float, typer.Option(min=0.0, callback=_finite, help="Weight of the KL term; 1 is the ELBO.")] = 1.0,
    learning_rate: Annotated[float, typer.Option(callback=_positive, help="Of the optimizer, Adam.")] = 1e-3,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Of all that is random.")] = 0,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Train on the first so many images only.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an older run in the directory.")] = False,
    fallback_to_digits: Annotated[
        bool,
        typer.Option(
            "--fallback-to-digits",
            help="If the data set is not to be had, train on scikit-learn's digits, ten times as many epochs.",
        ),
    ] = False,
):
    """Train a convolutional VAE on a data set.

    Writes model.keras, history.csv, metrics.json, reconstructions.png, samples.png, latent.png and loss.png.

    All numbers are nats per image.
    """
    with run_directory(output, overwrite=overwrite) as (directory, replaces):
        if replaces:
            typer.echo(f"The run in {output} will be replaced when this one is whole")
        typer.echo("Starting TensorFlow")
        with quiet_start():
            from keras_vae_cli import training_run

        with training_run.log_lines():
            with told_in_one_line(ValueError, OSError):
                run = training_run.prepare(
                    training_run.Settings(
                        dataset=dataset,
                        latent_dim=latent_dim,
                        epochs=epochs,
                        batch_size=batch_size,
                        binarize=None if binarize is Binarization.none else binarize.value,
                        beta=beta,
                        learning_rate=learning_rate,
                        seed=seed,
                        limit=limit,
                    ),
                    fallback_to_digits=fallback_to_digits,
                )
            with told_in_one_line(FloatingPointError, OSError):
                run.train(directory)
    typer.echo(f"{'Replaced' if replaces else 'Wrote'} {output}: {', '.join(RUN_FILES)}")
