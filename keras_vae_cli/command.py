"""What all commands share: mistakes of the user, a quiet start of TensorFlow, and versions."""

import contextlib
import importlib.metadata
import os
import platform
import sys
import tempfile

import typer

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_DISTRIBUTIONS = {
    "keras_vae": "keras-vae",
    "tensorflow": "tensorflow",
    "keras": "keras",
    "tensorflow_probability": "tensorflow-probability",
    "numpy": "numpy",
}


class Mistake(typer.TyperException):
    """What the user asked for cannot be done; the message says why and what helps."""

    exit_code = 2


@contextlib.contextmanager
def as_mistake(*errors):
    """Turn errors that are the user's to mend into a `Mistake`."""
    try:
        yield
    except errors as error:
        raise Mistake(str(error)) from error


@contextlib.contextmanager
def quiet_start():
    """Say that TensorFlow starts, and keep its C++ messages from the terminal while it does.

    Its first messages heed no log level, so file descriptor 2 is turned away while the block runs; if the block fails,
    what was kept is written after all. A user who has set `TF_CPP_MIN_LOG_LEVEL` gets every message that asks for.
    """
    typer.echo("Starting TensorFlow")
    if LOG_LEVEL in os.environ:
        yield
        return
    os.environ[LOG_LEVEL] = "3"
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(terminal, kept.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def versions():
    """Return the versions that a run's numbers depend on."""
    found = {name: importlib.metadata.version(distribution) for name, distribution in _DISTRIBUTIONS.items()}
    return {**found, "python": platform.python_version()}
