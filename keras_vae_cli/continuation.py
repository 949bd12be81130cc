"""Further epochs for a run that is finished: it keeps its last checkpoint, from which they go on."""

import dataclasses
import math
import shutil

from keras_vae_cli.arguments import CONFIG_FILE, MODEL_FILE
from keras_vae_cli.config_file import read_settings

CHECKPOINT, BEST = "last.keras", "best.keras"


def goes_on(settings, directory):
    """Return whether settings differ from those of the finished run in a directory by more epochs or patience alone."""
    config = directory / CONFIG_FILE
    if not config.is_file() or not (directory / CHECKPOINT).is_file():
        return False
    theirs = read_settings(config)
    if settings.batch_size is None:  # chosen by the number of images, which are the same
        settings = dataclasses.replace(settings, batch_size=theirs.batch_size)
    mine, before = (((one.epochs, one.patience or math.inf)) for one in (settings, theirs))
    return (
        not settings.differences(theirs) and mine != before and all(a >= b for a, b in zip(mine, before, strict=True))
    )


def carry_over(directory, workspace):
    """Begin where the finished run left off, unless that has been begun already; the run itself stays as it is."""
    if (workspace / CHECKPOINT).exists():
        return
    settings = read_settings(directory / CONFIG_FILE)
    copies = {CHECKPOINT: CHECKPOINT}
    if settings.keep == "best":
        copies = {MODEL_FILE: BEST, **copies}
    for source, target in copies.items():  # the checkpoint last: without it nothing is begun
        shutil.copyfile(directory / source, workspace / target)
