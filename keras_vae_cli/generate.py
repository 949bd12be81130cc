"""keras-vae generate: images from the prior."""

import math
from typing import Annotated

import typer

from keras_vae_cli import options
from keras_vae_cli.arguments import locate
from keras_vae_cli.command import as_mistake, quiet_start
from keras_vae_cli.outputs import check_outputs, check_room, write_outputs, written
from keras_vae_cli.screen import counted, say


def generate(
    model: options.Model,
    output: Annotated[
        options.Outputs,
        options.output_option(
            "A name that ends in .png gets all images as a grid, .npy an array of values from 0 to 1, and a name "
            "without an ending becomes a directory of single PNGs."
        ),
    ],
    num: Annotated[int, typer.Option(help="How many images.", **options.COUNT)] = 64,
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, metavar="<int>", help="The same seed gives the same images.")
    ] = 0,
    overwrite: options.Overwrite = False,
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
        from keras_vae_cli.loading import Trained, grey_values

    with as_mistake(TypeError, ValueError, OSError):
        vae = Trained(model).vae
        check_room(output, 4 * num * math.prod(vae.event_shape))
        say(f"Generating {counted(num, 'image')} with {model}, seed {seed}")
        images = grey_values(vae.likelihood, vae.generate(num, seed=seed))
        write_outputs(output, images, picture=lambda: kv.plots.samples(images))
        say(written(output, num))
