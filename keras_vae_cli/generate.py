"""keras-vae generate: images from the prior."""

import math
from typing import Annotated

import typer

from keras_vae_cli import options
from keras_vae_cli.arguments import locate
from keras_vae_cli.command import as_mistake, quiet_start
from keras_vae_cli.outputs import check_outputs, check_room, write_outputs, written
from keras_vae_cli.screen import counted, say

_NUM, _NUM_OF_CLASS = 64, 8


def generate(
    model: options.Model,
    output: Annotated[
        options.Outputs,
        options.output_option(
            "A name that ends in .png gets all images as a grid, .npy an array of values from 0 to 1, and a name "
            "without an ending becomes a directory of single PNGs."
        ),
    ],
    num: Annotated[
        int | None,
        typer.Option(
            help="How many images.",
            show_default="64; of a model of classes 8 of each, or 64 of --condition",
            **options.COUNT,
        ),
    ] = None,
    condition: Annotated[
        str | None,
        typer.Option(
            help="The class, by its name or number, for a model that is given one. By default all classes in turn.",
            metavar="<class>",
            show_default=False,
        ),
    ] = None,
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
      keras-vae generate runs/by_class --condition trouser --output trousers.png
    """
    check_outputs(output, allowed=(".png", ".npy", ""), overwrite=overwrite)
    locate(model)
    with quiet_start():
        import keras_vae as kv
        from keras_vae_cli.loading import Trained, grey_values

    with as_mistake(TypeError, ValueError, OSError):
        vae = Trained(model).vae
        names, labels = _labels(vae.condition, condition, num)
        num = len(labels) if labels is not None else num or _NUM
        check_room(output, 4 * num * math.prod(vae.event_shape))
        of = f" of {names[labels[0]]}" if condition is not None else ""
        say(f"Generating {counted(num, 'image')}{of} with {model}, seed {seed}")
        images = grey_values(vae.likelihood, vae.generate(num, condition=labels, seed=seed))
        write_outputs(output, images, picture=lambda: kv.plots.samples(_by_class(images, names, labels)))
        say(written(output, num))


def _labels(classes, condition, num):
    """Return the names of a model's classes and the class of each image, or neither."""
    import numpy as np

    if classes is None:
        if condition is not None:
            raise ValueError(f"`--condition` must be left out for a model without classes. Received: {condition}")
        return None, None
    if not hasattr(classes, "num_classes"):
        raise ValueError(
            "`MODEL` must have no condition or that of classes, Labels: `vae.generate(condition=...)` in Python takes "
            f"others. Received: {type(classes).__name__}"
        )
    names = classes.names or tuple(map(str, range(classes.num_classes)))
    if condition is None:
        return names, np.sort(np.arange(num or _NUM_OF_CLASS * len(names)) % len(names))
    is_number = condition.isdecimal() and int(condition) < len(names) and condition not in (classes.names or ())
    try:
        label = int(condition) if is_number else int(classes.raw(condition))
    except ValueError as error:
        raise ValueError(str(error).replace("`condition`", "`--condition`", 1)) from error
    return names, np.full(num or _NUM, label)


def _by_class(images, names, labels):
    """Return images by the names of their classes, where there are as many of each."""
    if labels is None or labels[0] == labels[-1] or len(labels) % len(names):
        return images
    return {name: images[labels == number] for number, name in enumerate(names)}
