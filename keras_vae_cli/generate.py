"""keras-vae generate: images from the prior."""

import pathlib
from typing import Annotated

import typer

from keras_vae_cli.command import as_mistake, quiet_start
from keras_vae_cli.model_argument import Model, locate
from keras_vae_cli.outputs import check_outputs, in_words, write_outputs


def generate(
    model: Model,
    output: Annotated[
        list[pathlib.Path],
        typer.Option(
            help="A name that ends in .png gets all images as a grid, .npy an array of values from 0 to 1, and a name "
            "without an ending becomes a directory of single PNGs. May be given several times.",
            show_default=False,
        ),
    ],
    num: Annotated[int, typer.Option(min=1, metavar="<int>", help="How many images.")] = 64,
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, metavar="<int>", help="The same seed gives the same images.")
    ] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace older files.")] = False,
):
    """Generate images: z from the prior, and the mean of p(x|z) or its likeliest levels.

    \b
    Examples:
      keras-vae generate runs/fashion --output samples.png
      keras-vae generate runs/fashion --num 1000 --seed 1 --output samples/ \\
          --output samples.npy
    """
    check_outputs(output, allowed=(".png", ".npy", ""), overwrite=overwrite)
    locate(model)
    with quiet_start():
        import keras_vae as kv
        from keras_vae_cli.loading import grey_values, load_model

    with as_mistake(TypeError, ValueError, OSError):
        vae = load_model(model)
        typer.echo(f"Generating {num:,} images with {model}, seed {seed}")
        images = grey_values(vae.likelihood, vae.generate(num, seed=seed))
        write_outputs(output, images, picture=lambda: kv.plots.samples(images))
        typer.echo(in_words(output, num))
