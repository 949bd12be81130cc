"""The directory of a run: finished or unfinished, of one process at a time, and never overwritten in silence."""

import contextlib
import json
import os
import pathlib
import shutil
import tempfile
from typing import Any, NamedTuple

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
# Within `unfinished/`: the names of a run's files, which are whole and have only to take their places.
WHOLE = "whole.json"
_TEMPORARY = "tmp"
_REHEARSAL = ".rehearsal.keras"
_LOCK = ".lock"


class RunDirectory:
    """A directory for one run, which is worked on in `unfinished/` and takes its place when it is whole.

    Until then an older run stays as it is. Files are renamed within the directory alone, which may be a mount point;
    nothing beside it is touched. As a context manager it keeps other processes out, and at the end removes what it made
    and what has come to nothing.
    """

    def __init__(self, path, *, overwrite):
        self.path = pathlib.Path(path)
        self._target = _resolved(self.path)
        self.workspace = self.path / UNFINISHED
        self._overwrite = overwrite
        self._made, self._lock = [], None
        self.replaces = self.check_free()

    def __enter__(self):
        from keras_vae.core import DirectoryLock, InUseError  # here, for the sake of a quick `--help`

        with contextlib.ExitStack() as stack:
            stack.callback(self._leave)
            try:
                self._made = _make(self._target)
                self._lock = DirectoryLock(self._target)
                self._lock.acquire()
                self.replaces = self.check_free()
                self.workspace.mkdir(exist_ok=True)
                self._check_names()
                _ensure_temporary_directory(self._target / UNFINISHED / _TEMPORARY)
            except InUseError as error:
                raise Mistake(
                    "`--output` must be a directory that nobody else uses: take another one, or wait. "
                    f"Received: {error}"
                ) from error
            except OSError as error:
                raise Mistake(f"`--output` must be writable. Received: {self._words()} ({error.strerror})") from error
            stack.pop_all()
        return self

    def __exit__(self, *_):
        self._leave()

    def _leave(self):
        if self._lock is not None and self._lock.is_mine:
            _forget_temporary_directory(self._target / UNFINISHED / _TEMPORARY)
            left = ("model.keras", WHOLE, *CHECKPOINTS)
            if self.workspace.is_dir() and not any((self.workspace / name).exists() for name in left):
                self.clear()
                with contextlib.suppress(OSError):  # a mount point
                    self.workspace.rmdir()
            self._lock.release()
        for directory in reversed(self._made):
            with contextlib.suppress(OSError):  # not empty
                directory.rmdir()

    def clear(self, but=None):
        """Start over: remove what an unfinished run left, except for one file."""
        for path in self.workspace.iterdir():
            if path != but and path.name != _TEMPORARY:
                path.unlink()

    def rehearse(self, save):
        """Do before the first step what the last one will do: save a model, and rename it into its place."""
        probe, place = self.workspace / _REHEARSAL, self._target / _REHEARSAL
        try:
            save(probe)
            os.replace(probe, place)
        except OSError as error:
            reason = error.strerror or str(error)
            raise Mistake(
                f"`--output` must let files be written and renamed. Received: {self._words()} ({reason})"
            ) from error
        finally:
            for path in (probe, place):
                path.unlink(missing_ok=True)

    @property
    def is_whole(self):
        """Whether a run that was killed had all its files, and only its last step is missing."""
        return (self.workspace / WHOLE).exists()

    def finish(self, settings=None):
        """Put the finished run in its place: what a process that is killed meanwhile leaves, the next one does.

        The settings, a dictionary, identify the run; for one that `is_whole` they are known.
        """
        from keras_vae.core import atomic_write, synchronize  # here, for the sake of a quick `--help`

        marker = self.workspace / WHOLE
        if not marker.exists():
            names = [name for name in RUN_FILES if (self.workspace / name).exists()]
            with atomic_write(marker) as aside:
                aside.write_text(json.dumps({"files": names, "settings": settings}), encoding="utf-8")
        names = self._read_whole().files
        for name in reversed(RUN_FILES):  # the model is the last to take its place
            if (self.workspace / name).exists():
                os.replace(self.workspace / name, self._target / name)
            elif name not in names:
                (self._target / name).unlink(missing_ok=True)  # of the run that is replaced
        synchronize(self._target)
        self.clear(but=marker)
        marker.unlink()

    def settings_of_whole(self):
        """Return the settings of a run that `is_whole`."""
        return self._read_whole().settings

    def _read_whole(self):
        from keras_vae.core import read_json

        return read_json(self.workspace / WHOLE, Whole)

    def _check_names(self):
        """Refuse what the file system would refuse at the end: a path that is too long with the names within."""
        longest = max((*RUN_FILES, *CHECKPOINTS), key=len)
        os.stat(self.workspace)
        with contextlib.suppress(FileNotFoundError):
            os.stat(self.workspace / f".{longest}.{2**22}.partial.keras")

    def check_free(self):
        """Refuse a directory that holds something else, or a run that must stay; return whether one is replaced."""
        try:
            found = sorted(entry.name for entry in self._target.iterdir() if entry.name != _LOCK)
            inside = sorted(entry.name for entry in self.workspace.iterdir()) if UNFINISHED in found else []
        except FileNotFoundError:
            return False
        except OSError as error:
            raise Mistake(f"`--output` must be a directory. Received: {self._words()} ({error.strerror})") from error
        strangers = [name for name in found if name not in (*RUN_FILES, UNFINISHED, _REHEARSAL)]
        # What a killed process had begun to write is ours too.
        known = (*RUN_FILES, *CHECKPOINTS, WHOLE, _TEMPORARY, _REHEARSAL, _LOCK)
        strangers += [f"{UNFINISHED}/{name}" for name in inside if name not in known and ".partial" not in name]
        if strangers:
            raise Mistake(
                f"`--output` must be a new directory or hold nothing but a run: take another, or move {strangers[0]!r} "
                f"away. Received: {self._words()}"
            )
        is_finished = any(name not in (UNFINISHED, _REHEARSAL) for name in found)
        if is_finished and not self._overwrite and not self.is_whole:
            raise Mistake(
                "`--output` already holds a run: take another directory, --overwrite to replace it, or more --epochs "
                f"of the same settings to continue it. Received: {self._words()}"
            )
        return is_finished

    def _words(self):
        return repr(str(self.path))


class Whole(NamedTuple):
    """What the marker of a whole run holds."""

    files: list[str]
    settings: dict[str, Any] | None


def _resolved(path):
    """Return where a path leads; a name that no terminal or file of ours can hold is refused."""
    try:
        str(path).encode()
        return path.resolve()
    except UnicodeEncodeError as error:
        raise Mistake(f"`--output` must be a name in UTF-8. Received: {os.fsencode(path)!r}") from error
    except (OSError, RuntimeError) as error:
        raise Mistake(f"`--output` must be a directory. Received: {str(path)!r} (a loop of links)") from error


def _make(directory):
    """Make a directory, and those above it that are missing; return what was made, outermost first."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    made = []
    for path in reversed(missing):
        path.mkdir()
        made.append(path)
    return made


def _ensure_temporary_directory(directory):
    """Where the machine has no directory for temporary files, as under a read-only root, take ours.

    Keras needs one to save a model.
    """
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        directory.mkdir(exist_ok=True)
        tempfile.tempdir = str(directory)


def _forget_temporary_directory(directory):
    if tempfile.tempdir == str(directory):
        tempfile.tempdir = None
    shutil.rmtree(directory, ignore_errors=True)
