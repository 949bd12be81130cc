"""keras-vae impute: images or a table with the gaps filled in."""

import csv
import pathlib
from typing import Annotated

import typer

from keras_vae_cli import options
from keras_vae_cli.arguments import check_images, locate
from keras_vae_cli.command import Mistake, as_mistake, quiet_start
from keras_vae_cli.outputs import check_outputs, parents_made, write_outputs, written
from keras_vae_cli.screen import counted, say

_GAPS = ("", "na", "nan", "null", "?")


def impute(
    model: options.Model,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A table that ends in .csv, whose empty cells are gaps; or, with --mask, a folder of images or one "
            "image.",
            show_default=False,
        ),
    ],
    output: Annotated[
        options.Outputs,
        options.output_option(
            "For a table a name that ends in .csv. For images a name that ends in .png gets the images, what the model "
            "was given and the result; .npy the result as an array; a name without an ending becomes a directory of "
            "single PNGs, which keep the names of their files."
        ),
    ],
    mask: Annotated[
        str | None,
        typer.Option(
            help="A folder with an image of the same name for each, or one image: black where something is missing.",
            metavar="<path>",
            show_default=False,
        ),
    ] = None,
    num_samples: Annotated[
        int, typer.Option(help="Samples of z for each row; the noise of the result falls with it.", **options.COUNT)
    ] = 1000,
    sample: Annotated[
        bool, typer.Option("--sample", help="Draw what is missing, instead of its mean or most probable value.")
    ] = False,
    seed: options.Seed = 0,
    overwrite: options.Overwrite = False,
    binarize: options.Binarize = "auto",
    broken_files: options.BrokenFiles = None,
    max_pixels: options.MaxPixels = None,
):
    """Fill gaps in: what is missing, given what is observed.

    \b
    Examples:
      keras-vae impute runs/table/model.keras table.csv --output filled.csv
      keras-vae impute runs/faces photos/ --mask holes/ --output filled/
    """
    is_table = data.lower().endswith(".csv")
    check_outputs(output, allowed=(".csv",) if is_table else (".png", ".npy", ""), overwrite=overwrite)
    locate(model)
    table = _read_table(data, mask) if is_table else None
    if not is_table:
        if mask is None:
            raise Mistake("`--mask` must be given for images. Received: none")
        data, mask = check_images(data), check_images(mask)
    with quiet_start():
        from keras_vae_cli.loading import Trained

    with as_mistake(TypeError, ValueError, OSError):
        trained = Trained(model)

        def fill(x):
            filled = trained.vae.impute(x, num_samples=num_samples, sample=sample, seed=seed, **draws)
            return filled[0] if sample else filled

        draws = {"num_imputations": 1} if sample else {}
        if is_table:
            _fill_table(trained.vae.likelihood, table, output, fill)
        else:
            reading = {"broken_files": broken_files, "max_pixels": max_pixels}
            _fill_images(trained, data, mask, output, binarize, reading, fill)


def _read_table(path, mask):
    """Return the header, the cells, and the numbers with None in each gap, before TensorFlow is started."""
    if mask is not None:
        raise Mistake(f"`--mask` must be left out for a table: leave cells empty. Received: {mask!r}")
    if not pathlib.Path(path).is_file():
        raise Mistake(f"No such file: {path!r}")
    with open(path, newline="", encoding="utf-8") as file:
        header, *lines = list(csv.reader(file)) or [[]]
    numbers = []
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header):
            raise Mistake(
                f"`DATA` must have {counted(len(header), 'cell')} in each line, as its header has. "
                f"Received: {len(line)} in line {number} of {path!r}"
            )
        try:
            numbers.append([None if cell.strip().lower() in _GAPS else float(cell) for cell in line])
        except ValueError:
            raise Mistake(
                f"`DATA` must hold numbers and gaps below its header. Received: other text in line {number} of {path!r}"
            ) from None
    if not numbers:
        raise Mistake(f"`DATA` must have a header and at least one line of numbers. Received: {path!r}")
    return header, lines, numbers


def _fill_table(likelihood, table, output, fill):
    import numpy as np

    import keras_vae as kv

    header, lines, numbers = table
    if likelihood.x_shape != (len(header),):
        raise ValueError(
            f"`DATA` must have as many columns as the model's observations have numbers, {likelihood.x_shape}. "
            f"Received: {counted(len(header), 'column')}"
        )
    x = np.array(numbers, dtype=float)  # None becomes NaN
    gaps = np.isnan(x)
    say(f"Filling {gaps.sum():,} of {counted(gaps.size, 'cell')}")
    rows = zip(lines, fill(x), gaps, strict=True)
    filled = [
        [f"{value:.7g}" if gap else cell for cell, value, gap in zip(*row, strict=True)] for row in rows
    ]  # observed cells stay as they are written
    for path in output:
        with (
            parents_made(path),
            kv.core.atomic_write(path) as aside,
            open(aside, "w", newline="", encoding="utf-8") as file,
        ):
            csv.writer(file).writerows([header, *filled])
    say(written(output, len(filled)))


def _fill_images(trained, data, mask, output, binarize, reading, fill):
    import numpy as np

    import keras_vae as kv
    from keras_vae_cli.loading import grey_values, load_images

    images, holes = (load_images(trained, [source], **reading) for source in (data, mask))
    names = images.unique_names()
    if len(images) == len(holes) == 1:
        found = {names[0]: holes.pixels[0]}
    else:
        found = dict(zip(holes.unique_names(), holes.pixels, strict=True))
    lacking = [name for name in names if name not in found]
    if lacking:
        raise ValueError(f"`--mask` must have an image for each of DATA. Received: none with the name {lacking[0]!r}")
    observed = np.stack([found[name] for name in names]).mean(axis=-1, keepdims=True) > 127
    observed = np.broadcast_to(observed, images.pixels.shape)
    x, values = trained.observations(images.pixels, binarize)
    say(f"Filling {np.mean(~observed):.0%} of the pixels of {counted(len(x), 'image')}; values {values}")
    likelihood = trained.vae.likelihood
    filled = grey_values(likelihood, fill({"x": x, "mask": observed.reshape(-1, *likelihood.event_shape)}))
    seen = np.where(observed, images.pixels, 0)
    write_outputs(
        output,
        filled,
        picture=lambda: kv.plots.reconstructions(images.pixels, {"filled": filled}, inputs=seen),
        names=names,
    )
    say(written(output, len(filled)))
