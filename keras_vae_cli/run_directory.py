"""The directory of a run: whole or not there, and never overwritten in silence."""

import contextlib
import os
import pathlib
import shutil

from keras_vae_cli.mistake import Mistake

RUN_FILES = (
    "model.keras",
    "history.csv",
    "metrics.json",
    "reconstructions.png",
    "samples.png",
    "latent.png",
    "loss.png",
)


@contextlib.contextmanager
def run_directory(path, *, overwrite):
    """Give a directory to write a run into, and put it in its place when the block has ended well.

    Until then an older run stays as it is; if the block fails, it stays for good, and nothing of the new one is left.

    Parameters
    ----------
    path : pathlib.Path
        Where the run shall be.
    overwrite : bool
        Whether an older run there is replaced.

    Yields
    ------
    directory : pathlib.Path
        An empty directory beside `path`.
    replaces : bool
        Whether there is an older run.

    Raises
    ------
    Mistake
        If `path` is a file, holds an older run that is not to be replaced, holds anything else than a run, or cannot
        be made.
    """
    target = pathlib.Path(path).resolve()
    replaces = _check_free(path, target, overwrite)
    aside = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        aside.mkdir(parents=True)
    except OSError as error:
        raise Mistake(f"`--output` must be writable. Received: {str(path)!r} ({error.strerror})") from error
    try:
        yield aside, replaces
        _replace(target, aside)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _check_free(path, target, overwrite):
    try:
        found = sorted(entry.name for entry in target.iterdir())
    except FileNotFoundError:
        return False
    except OSError as error:
        raise Mistake(f"`--output` must be a directory. Received: {str(path)!r} ({error.strerror})") from error
    strangers = [name for name in found if name not in RUN_FILES]
    if strangers:
        raise Mistake(
            f"`--output` must be a new directory or hold nothing but a run: take another, or move {strangers[0]!r} "
            f"away. Received: {str(path)!r}"
        )
    if found and not overwrite:
        raise Mistake(
            "`--output` already holds a run: take another directory, or --overwrite to replace it. "
            f"Received: {str(path)!r}"
        )
    return bool(found)


def _replace(target, aside):
    if not target.exists():
        aside.rename(target)
        return
    old = aside.with_suffix(".old")
    target.rename(old)
    try:
        aside.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
