"""The arguments and options that several commands have, each declared once; `settings` has those of `train` alone."""

import pathlib
from typing import Annotated, Literal

import typer

COUNT = {"min": 1, "metavar": "<int>"}
_READING = "Reading images"


def count_or_all(text):
    """Read a whole number above 0, or the word all."""
    if text == "all" or (text.isascii() and text.isdigit() and int(text) > 0):
        return text if text == "all" else int(text)
    raise typer.BadParameter(f"{text!r} is neither a whole number above 0 nor the word all.")


Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="The directory of a run, the name of a pretrained model, or a file that ends in .keras.",
        show_default=False,
    ),
]
Dataset = Annotated[
    str | None,
    typer.Argument(
        metavar="DATASET",
        help="fashion_mnist, mnist, cifar10, digits or cartoon_faces, or a folder of images. By default what the run "
        "was trained on.",
        show_default=False,
    ),
]
Images = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="IMAGES",
        help="Files, folders, or the name of a data set. Files are cropped at their centre and resized to the model's "
        "size. By default what the run was trained on.",
        show_default=False,
    ),
]
Split = Annotated[
    Literal["test", "train"] | None,
    typer.Option(
        help="Which images of a data set, or of the folder that the run was trained on, are taken.",
        metavar="<name>",
        show_default="test; of a folder that is named, all",
        rich_help_panel=_READING,
    ),
]
TestOrTrain = Annotated[
    Literal["test", "train"],
    typer.Option(
        help="Which images of a data set, or of the folder that the run was trained on; of others all are taken.",
        rich_help_panel=_READING,
    ),
]
Binarize = Annotated[
    Literal["auto", "fixed", "none"],
    typer.Option(
        help="fixed: the images are drawn once as 0 or 1, as train draws its test images; none: values stay grey; "
        "auto: as the run was trained, and without a run's config fixed for a Bernoulli likelihood.",
        metavar="<name>",
        rich_help_panel=_READING,
    ),
]
BrokenFiles = Annotated[
    Literal["refuse", "skip"] | None,
    typer.Option(
        help="What happens when an image in a folder is broken: the command ends, or continues without it and says "
        "how many there were.",
        show_default="as the run was trained, else refuse",
        rich_help_panel=_READING,
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        help="The most pixels that an image file may have; decoding takes up to 12 bytes for each.",
        show_default="as the run was trained, else 67,108,864, a square of 8192",
        rich_help_panel=_READING,
        **COUNT,
    ),
]
Limit = Annotated[
    int | None, typer.Option(help="At most this many images, from the first.", show_default="all", **COUNT)
]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1, metavar="<int>", help="Seed of the noise.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace older files.")]


def output_option(help):
    """Declare --output, which may be given several times."""
    return typer.Option(help=f"{help} May be given several times.", metavar="<path>", show_default=False)


Outputs = list[pathlib.Path]
MAX_PIXELS = 2**26
