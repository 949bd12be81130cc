"""keras-vae score: bound, rate and distortion of single images."""

from typing import Annotated

import typer

from keras_vae_cli import options
from keras_vae_cli.arguments import check_images, locate
from keras_vae_cli.command import as_mistake, quiet_start
from keras_vae_cli.outputs import check_outputs, written
from keras_vae_cli.screen import counted, say

_NAMES = ("elbo", "rate", "distortion")


def score(
    model: options.Model,
    output: Annotated[
        options.Outputs,
        options.output_option(
            "A name that ends in .csv gets a table with a row for each image: its file (of a data set its number), its "
            "class where that is known, elbo, rate and distortion; one that ends in .npz gets the same as arrays."
        ),
    ],
    images: options.Images = None,
    num_samples: Annotated[
        int, typer.Option(help="Samples of z for each image; the noise of the elbo falls with it.", **options.COUNT)
    ] = 64,
    limit: options.Limit = None,
    seed: options.Seed = 0,
    overwrite: options.Overwrite = False,
    split: options.Split = None,
    binarize: options.Binarize = "auto",
    broken_files: options.BrokenFiles = None,
    max_pixels: options.MaxPixels = None,
):
    """Score images: elbo, rate and distortion of each, in nats.

    Images that are unlike those that the model was trained on have a low
    elbo.

    \b
    Examples:
      keras-vae score runs/faces photos/ --output scores.csv
      keras-vae score runs/fashion fashion_mnist --output scores.npz
    """
    check_outputs(output, allowed=(".csv", ".npz"), overwrite=overwrite)
    locate(model)
    images = [check_images(name) for name in images or ()]
    with quiet_start():
        from keras_vae_cli.loading import Trained, load_images
        from keras_vae_cli.tables import in_blocks, write_tables

    with as_mistake(TypeError, ValueError, OSError):
        trained = Trained(model)
        found = load_images(
            trained,
            images,
            split=split,
            limit=limit,
            broken_files=broken_files,
            max_pixels=max_pixels,
        )
        x, values = trained.observations(found.pixels, binarize)
        say(f"Scoring {found.in_words()} with {model}, {counted(num_samples, 'sample')} each; values {values}")
        scores = trained.vae.score(in_blocks(trained.given(x, found), "images"), num_samples=num_samples, seed=seed)
        write_tables(output, found, {name: scores[name] for name in _NAMES})
        say(written(output, len(x)))
