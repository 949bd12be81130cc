"""The directory of a run: finished or unfinished, and never overwritten in silence."""

import os
import pathlib
import shutil

from keras_vae_cli.command import Mistake

RUN_FILES = (
    "model.keras",
    "config.toml",
    "history.csv",
    "metrics.json",
    "reconstructions.png",
    "samples.png",
    "latent.png",
    "loss.png",
    "last.keras",
)
UNFINISHED = "unfinished"
CHECKPOINTS = ("last.keras", "best.keras")


class RunDirectory:
    """A directory for one run, which is worked on in `unfinished/` and takes its place when it is whole.

    Until then an older run stays as it is.
    """

    def __init__(self, path, *, overwrite):
        self.path = pathlib.Path(path)
        self._target = self.path.resolve()
        self.workspace = self.path / UNFINISHED
        self._is_new = not self._target.exists()
        self.replaces = self._check_free(overwrite)
        try:
            self.workspace.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Mistake(f"`--output` must be writable. Received: {str(path)!r} ({error.strerror})") from error

    def clear(self):
        """Begin anew: remove what an unfinished run left."""
        shutil.rmtree(self.workspace)
        self.workspace.mkdir()

    def remove_if_without_model(self):
        """Remove an unfinished run that has come to nothing yet, and the directory if this run made it."""
        if any((self.workspace / name).exists() for name in ("model.keras", *CHECKPOINTS)):
            return
        shutil.rmtree(self.workspace, ignore_errors=True)
        if self._is_new and self._target.is_dir() and not any(self._target.iterdir()):
            self._target.rmdir()

    def finish(self):
        """Put the finished run in its place, as a whole."""
        for path in self.workspace.iterdir():
            if path.name not in RUN_FILES:
                path.unlink()
        aside = self._target.with_name(f".{self._target.name}.{os.getpid()}.partial")
        old = aside.with_suffix(".old")
        os.rename(self._target / UNFINISHED, aside)
        self._target.rename(old)
        try:
            aside.rename(self._target)
        except OSError:
            old.rename(self._target)
            raise
        shutil.rmtree(old, ignore_errors=True)

    def _check_free(self, overwrite):
        path = str(self.path)
        try:
            found = sorted(entry.name for entry in self._target.iterdir())
            inside = sorted(entry.name for entry in self.workspace.iterdir()) if UNFINISHED in found else []
        except FileNotFoundError:
            return False
        except OSError as error:
            raise Mistake(f"`--output` must be a directory. Received: {path!r} ({error.strerror})") from error
        strangers = [name for name in found if name not in (*RUN_FILES, UNFINISHED)]
        # What a killed process had begun to write is ours too.
        known = (*RUN_FILES, *CHECKPOINTS)
        strangers += [f"{UNFINISHED}/{name}" for name in inside if name not in known and ".partial" not in name]
        if strangers:
            raise Mistake(
                f"`--output` must be a new directory or hold nothing but a run: take another, or move {strangers[0]!r} "
                f"away. Received: {path!r}"
            )
        is_finished = any(name != UNFINISHED for name in found)
        if is_finished and not overwrite:
            raise Mistake(
                "`--output` already holds a run: take another directory, --overwrite to replace it, or more --epochs "
                "of the same settings to go on with it. "
                f"Received: {path!r}"
            )
        return is_finished
