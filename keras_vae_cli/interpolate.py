"""keras-vae interpolate: the way from one image to another."""

import pathlib
from typing import Annotated, Any, Literal

import typer

from keras_vae_cli import options
from keras_vae_cli.arguments import check_dataset, locate
from keras_vae_cli.command import Mistake, as_mistake, quiet_start
from keras_vae_cli.outputs import check_outputs, parents_made, write_outputs, written
from keras_vae_cli.screen import say

_NUM_STEPS, _NUM_FRAMES = 10, 24


def interpolate(
    model: options.Model,
    start: Annotated[
        str, typer.Argument(metavar="START", help="An image file, or a number within --dataset.", show_default=False)
    ],
    end: Annotated[
        str, typer.Argument(metavar="END", help="An image file, or a number within --dataset.", show_default=False)
    ],
    output: Annotated[
        options.Outputs,
        options.output_option(
            "A name that ends in .png gets a strip, .gif a moving picture, .npy an array of values from 0 to 1, and a "
            "name without an ending becomes a directory of single PNGs."
        ),
    ],
    dataset: Annotated[
        str | None,
        typer.Option(
            help="The name of a data set, or a folder, in which START and END are the numbers of images, from 0. By "
            "default what the run was trained on, where START and END are numbers.",
            show_default=False,
        ),
    ] = None,
    num_steps: Annotated[
        int | None,
        typer.Option(
            min=2, metavar="<int>", help="Images on the way, both ends included.", show_default="10, in a .gif 24"
        ),
    ] = None,
    method: Annotated[
        Literal["linear", "spherical"],
        typer.Option(help="A straight line between the two codes, or the arc of a great circle."),
    ] = "linear",
    overwrite: options.Overwrite = False,
    split: options.TestOrTrain = "test",
    binarize: options.Binarize = "auto",
    max_pixels: options.MaxPixels = None,
):
    """Go from one image to another through the latent space.

    \b
    Examples:
      keras-vae interpolate runs/fashion 0 7 --dataset fashion_mnist \\
          --output strip.png --output path.gif
      keras-vae interpolate runs/faces ann.jpg bob.jpg --method spherical \\
          --output strip.png
    """
    check_outputs(output, allowed=(".png", ".gif", ".npy", ""), overwrite=overwrite)
    locate(model)
    dataset = check_dataset(dataset) if dataset else None
    are_numbers = _check_ends(start, end, dataset)
    with quiet_start():
        import keras_vae as kv
        from keras_vae_cli.loading import Trained, grey_values, load_images, load_rows

    with as_mistake(TypeError, ValueError, OSError):
        trained = Trained(model)
        vae = trained.vae
        if vae.condition is not None:
            raise ValueError("`MODEL` must be one without a condition to interpolate. Received: one with a condition")
        if are_numbers:
            (source,) = trained.sources_or_own([dataset] if dataset else None)
            images = load_rows(trained, source, [int(start), int(end)], split=split, max_pixels=max_pixels)
        else:
            images = load_images(trained, [start, end], max_pixels=max_pixels)
        pair = trained.observations(images.pixels, binarize)[0]
        say(f"Interpolating with {model}, {method}")
        strip: dict[str, Any] = {"num_steps": num_steps or _NUM_STEPS, "method": method}
        for path in output:
            if path.suffix.lower() == ".gif":
                with parents_made(path):
                    kv.plots.interpolation_gif(vae, *pair, path, num_steps=num_steps or _NUM_FRAMES, method=method)
                continue
            codes = [kv.latents.interpolate(*level, **strip) for level in vae.as_levels(vae.encode(pair))]
            decoded = grey_values(vae.likelihood, vae.decode(vae.of_levels(codes)))
            write_outputs([path], decoded, picture=lambda: kv.plots.interpolation(vae, *pair, **strip))
        say(written(output, strip["num_steps"]))


def _check_ends(start, end, dataset):
    """Return whether the ends are numbers; otherwise they are files."""
    are_numbers = dataset is not None or (start.isdecimal() and end.isdecimal() and not _is_file(start))
    for name, value in (("START", start), ("END", end)):
        if are_numbers and not value.isdecimal():
            raise Mistake(f"`{name}` must be a number from 0 where --dataset is given. Received: {value!r}")
        if not are_numbers and not _is_file(value):
            raise Mistake(f"`{name}` must be an image file, or with --dataset a number. No such file: {value!r}")
    return are_numbers


def _is_file(name):
    return pathlib.Path(name).expanduser().is_file()
