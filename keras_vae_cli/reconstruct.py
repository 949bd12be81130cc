"""keras-vae reconstruct: images, and what a model makes of them."""

import pathlib
from typing import Annotated, Literal

import typer

from keras_vae_cli.command import as_mistake, quiet_start
from keras_vae_cli.model_argument import Model, locate
from keras_vae_cli.outputs import check_outputs, in_words, write_outputs


def reconstruct(
    model: Model,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGES",
            help="Files, folders (with a slash in their names), or the name of a data set. Files are cropped at their "
            "centre and resized to the model's size.",
            show_default=False,
        ),
    ],
    output: Annotated[
        list[pathlib.Path],
        typer.Option(
            help="A name that ends in .png gets the images above their reconstructions; .npy the reconstructions, "
            "values from 0 to 1; a name without an ending becomes a directory of reconstructions as single PNGs. May "
            "be given several times.",
            show_default=False,
        ),
    ],
    num: Annotated[int, typer.Option(min=1, metavar="<int>", help="At most this many images, from the first.")] = 20,
    split: Annotated[Literal["test", "train"], typer.Option(help="Which part of a data set with a name.")] = "test",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace older files.")] = False,
):
    """Reconstruct images: the mean of p(x|z), or its likeliest levels, at the mean of q(z|x).

    \b
    Examples:
      keras-vae reconstruct runs/fashion fashion_mnist --output pairs.png
      keras-vae reconstruct runs/faces photos/ --num 1000 --output out/
      keras-vae reconstruct runs/faces ann.jpg bob.jpg --output pairs.png
    """
    check_outputs(output, allowed=(".png", ".npy", ""), overwrite=overwrite)
    locate(model)
    with quiet_start():
        import keras_vae as kv
        from keras_vae_cli.loading import grey_values, load_images, load_model, observations

    with as_mistake(TypeError, ValueError, OSError):
        vae = load_model(model)
        originals = load_images(images, vae.event_shape, split=split, limit=num)
        x, values = observations(vae.likelihood, originals)
        typer.echo(f"Reconstructing {len(x):,} images with {model}; values {values}")
        found = grey_values(vae.likelihood, vae.reconstruct(x))
        seen = x if values.startswith("drawn") else None
        write_outputs(output, found, picture=lambda: kv.plots.reconstructions(originals, found, inputs=seen))
        typer.echo(in_words(output, len(found)))
