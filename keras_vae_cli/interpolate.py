"""keras-vae interpolate: the way from one image to another."""

import pathlib
from typing import Annotated, Any, Literal

import typer

from keras_vae_cli.command import Mistake, as_mistake, quiet_start
from keras_vae_cli.model_argument import Model, locate
from keras_vae_cli.outputs import check_outputs, in_words, write_outputs

_NUM_STEPS, _NUM_FRAMES = 10, 24


def interpolate(
    model: Model,
    start: Annotated[
        str, typer.Argument(metavar="START", help="An image file, or a number within --dataset.", show_default=False)
    ],
    end: Annotated[
        str, typer.Argument(metavar="END", help="An image file, or a number within --dataset.", show_default=False)
    ],
    output: Annotated[
        list[pathlib.Path],
        typer.Option(
            help="A name that ends in .png gets a strip, .gif a moving picture, .npy an array of values from 0 to 1, "
            "and a name without an ending becomes a directory of single PNGs. May be given several times.",
            show_default=False,
        ),
    ],
    dataset: Annotated[
        str | None,
        typer.Option(
            help="The name of a data set, or a folder (with a slash), whose images START and END are, from 0.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[Literal["test", "train"], typer.Option(help="Which part of a data set with a name.")] = "test",
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
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace older files.")] = False,
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
    _check_ends(start, end, dataset)
    locate(model)
    with quiet_start():
        import keras_vae as kv
        from keras_vae_cli.loading import grey_values, load_images, load_model, load_rows, observations

    with as_mistake(TypeError, ValueError, OSError):
        vae = load_model(model)
        if dataset is None:
            images = load_images([start, end], vae.event_shape)
        else:
            images = load_rows(dataset, [int(start), int(end)], vae.event_shape, split=split)
        pair = observations(vae.likelihood, images)[0]
        typer.echo(f"Interpolating with {model}, {method}")
        strip: dict[str, Any] = {"num_steps": num_steps or _NUM_STEPS, "method": method}
        for path in output:
            if path.suffix.lower() == ".gif":
                kv.plots.interpolation_gif(vae, *pair, path, num_steps=num_steps or _NUM_FRAMES, method=method)
                continue
            codes = [kv.latents.interpolate(*level, **strip) for level in vae.as_levels(vae.encode(pair))]
            decoded = grey_values(vae.likelihood, vae.decode(vae.of_levels(codes)))
            write_outputs([path], decoded, picture=lambda: kv.plots.interpolation(vae, *pair, **strip))
        typer.echo(in_words(output, strip["num_steps"]))


def _check_ends(start, end, dataset):
    for name, value in (("START", start), ("END", end)):
        if dataset is not None and not value.isdecimal():
            raise Mistake(f"`{name}` must be a number from 0 where --dataset is given. Received: {value!r}")
        if dataset is None and not pathlib.Path(value).is_file():
            raise Mistake(f"`{name}` must be an image file, or with --dataset a number. Received: {value!r}")
