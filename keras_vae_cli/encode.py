"""keras-vae encode: the codes of images."""

from typing import Annotated

from keras_vae_cli import options
from keras_vae_cli.arguments import check_images, locate
from keras_vae_cli.command import as_mistake, quiet_start
from keras_vae_cli.outputs import check_outputs, written
from keras_vae_cli.screen import say


def encode(
    model: options.Model,
    output: Annotated[
        options.Outputs,
        options.output_option(
            "A name that ends in .csv gets a table with a row for each image: its file (of a data set its number), its "
            "class where that is known, and z_0, z_1, ...; one that ends in .npz gets the arrays files, classes and z."
        ),
    ],
    images: options.Images = None,
    limit: options.Limit = None,
    overwrite: options.Overwrite = False,
    split: options.Split = None,
    binarize: options.Binarize = "auto",
    broken_files: options.BrokenFiles = None,
    max_pixels: options.MaxPixels = None,
):
    """Encode images: the mean of q(z|x) of each.

    \b
    Examples:
      keras-vae encode runs/faces photos/ --output codes.csv
      keras-vae encode runs/fashion fashion_mnist --output codes.npz
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
        say(f"Encoding {found.in_words()} with {model}; values {values}")
        vae = trained.vae
        codes = vae.as_levels(vae.encode(in_blocks(trained.given(x, found), "images")))
        write_tables(output, found, dict(zip(vae.names_of_levels("z"), codes, strict=True)))
        say(written(output, len(x)))
