"""What all commands share: mistakes of the user, a quiet start of TensorFlow, and versions."""

import contextlib
import functools
import importlib.metadata
import inspect
import os
import platform
import re
import sys
import tempfile

import typer

from keras_vae_cli.environment import mistake_in_environment
from keras_vae_cli.screen import say

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_DISTRIBUTIONS = {
    "keras_vae": "keras-vae",
    "tensorflow": "tensorflow",
    "keras": "keras",
    "tensorflow_probability": "tensorflow-probability",
    "numpy": "numpy",
}
# What the package calls an argument, and the commands an option or argument.
_OPTIONS = {"validation_split": "holdout", "on_error": "broken_files"}
_PATHS = ("images", "data", "dataset", "output", "model")  # what the package calls `path`, the first that a command has
_ADVICE = re.compile(r"Try a lower learning rate, `clipnorm` in the optimizer, or [^.]*")
_ARGUMENTS = ("model", "dataset", "images", "start", "end")

_terminal = [2]  # where standard error is shown


class Mistake(typer.TyperException):
    """What the user asked for cannot be done; the message says why and what helps."""

    exit_code = 2


@contextlib.contextmanager
def as_mistake(*errors):
    """Turn errors that are the user's to mend into a `Mistake`."""
    try:
        yield
    except errors as error:
        has_file = isinstance(error, OSError) and error.strerror and error.filename
        raise Mistake(f"{str(error.filename)!r}: {error.strerror}" if has_file else str(error)) from error


def flag_of(name):
    """Return an option as it is written on the command line."""
    return name.upper() if name in _ARGUMENTS else _flag(name)


def _flag(name):
    return "--" + name.replace("_", "-")


def in_its_own_words(command):
    """Let a command's mistakes name its options, and not the arguments of the package."""
    parameters = inspect.signature(command).parameters
    names = {name: name.upper() if _is_argument(p) else _flag(name) for name, p in parameters.items()}
    names |= {theirs: names[ours] for theirs, ours in _OPTIONS.items() if ours in names}
    names["path"] = next(names[name] for name in _PATHS if name in names)
    names.setdefault("images", names.get("dataset", "IMAGES"))
    found = re.compile(rf"`({'|'.join(names)})`|\b({'|'.join(names)})=")

    def option(match):
        return f"`{names[match[1]]}`" if match[1] else f"{names[match[2]]} "

    @functools.wraps(command)
    def run(**options):
        try:
            return command(**options)
        except Mistake as mistake:
            mistake.message = found.sub(option, mistake.message)
            if "learning_rate" in names:
                mistake.message = _ADVICE.sub("Try a lower --learning-rate", mistake.message)
            if "broken_files" in names and type(mistake.__cause__).__name__ == "BrokenImageError":
                mistake.message += ". --broken-files skip continues without it"
            raise

    return run


def _is_argument(parameter):
    return isinstance(parameter.annotation.__metadata__[0], type(typer.Argument()))


@contextlib.contextmanager
def quiet_start():
    """Say that TensorFlow starts, and keep its C++ messages from the terminal while it does.

    Its first messages heed no log level, so file descriptor 2 is turned away while the block runs; if the block fails,
    what was kept is written after all. A user who has set `TF_CPP_MIN_LOG_LEVEL` gets every message that asks for.
    """
    wrong = mistake_in_environment()
    if wrong is not None:
        raise Mistake(wrong)
    os.environ["MPLBACKEND"] = "agg"  # pictures are written, and never shown
    say("Starting TensorFlow")
    if LOG_LEVEL in os.environ:
        yield
        return
    os.environ[LOG_LEVEL] = "3"
    sys.stderr.flush()
    terminal = _terminal[0] = os.dup(2)
    with _kept() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(terminal, kept.read())
            raise
        finally:
            os.dup2(terminal, 2)
            _terminal[0] = 2
            os.close(terminal)


def complain_at_once(message):
    """Write a line on standard error from a thread, while TensorFlow starts too, and without a buffer."""
    os.write(_terminal[0], f"keras-vae: {message}\n".encode(errors="backslashreplace"))


def _kept():
    """Open a file without a name, where there is no directory for temporary files too."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    return tempfile.TemporaryFile()


def printable(text):
    """Escape what a terminal would obey, in words that come from files and environments."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def versions():
    """Return the versions that a run's numbers depend on."""
    found = {name: importlib.metadata.version(distribution) for name, distribution in _DISTRIBUTIONS.items()}
    return {**found, "python": platform.python_version()}
