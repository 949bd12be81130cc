"""keras-vae reconstruct: images, and what a model makes of them."""

from typing import Annotated

import typer

from keras_vae_cli import options
from keras_vae_cli.arguments import check_images, locate
from keras_vae_cli.command import as_mistake, quiet_start
from keras_vae_cli.outputs import check_outputs, check_room, write_outputs, written
from keras_vae_cli.screen import counted, say


def reconstruct(
    model: options.Model,
    output: Annotated[
        options.Outputs,
        options.output_option(
            "A name that ends in .png gets the images above their reconstructions; .npy the reconstructions, values "
            "from 0 to 1; a name without an ending becomes a directory of reconstructions as single PNGs, which keep "
            "the names of their files."
        ),
    ],
    images: options.Images = None,
    num: Annotated[int, typer.Option(help="At most this many images, from the first.", **options.COUNT)] = 20,
    overwrite: options.Overwrite = False,
    split: options.Split = None,
    binarize: options.Binarize = "auto",
    broken_files: options.BrokenFiles = None,
    max_pixels: options.MaxPixels = None,
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
    images = [check_images(name) for name in images or ()]
    with quiet_start():
        import keras_vae as kv
        from keras_vae_cli.loading import Trained, grey_values, load_images

    with as_mistake(TypeError, ValueError, OSError):
        trained = Trained(model)
        vae = trained.vae
        originals = load_images(
            trained, images, split=split, limit=num, broken_files=broken_files, max_pixels=max_pixels
        )
        x, values = trained.observations(originals.pixels, binarize)
        check_room(output, 4 * x.size)
        say(f"Reconstructing {counted(len(x), 'image')} with {model}; values {values}")
        found = grey_values(vae.likelihood, vae.reconstruct(trained.given(x, originals)))
        seen = x if values.startswith("drawn") else None
        write_outputs(
            output,
            found,
            picture=lambda: kv.plots.reconstructions(originals.pixels, found, inputs=seen),
            names=originals.unique_names(),
        )
        say(written(output, len(found)))
