"""Ctrl-C and a polite `kill`: what is at hand is put away, then the command ends."""

import contextlib
import signal

import typer


class Interrupted(typer.TyperException):
    """The command was interrupted, and the message says what it left."""

    def __init__(self, message, signal_number=signal.SIGINT):
        super().__init__(message)
        self.exit_code = 128 + signal_number


class _Signal(KeyboardInterrupt):
    """What a signal raises; it knows its number."""

    number = signal.SIGINT


@contextlib.contextmanager
def interruptible():
    """Let SIGTERM do what ctrl-C does, raise `KeyboardInterrupt`, while the block runs."""

    def stop(number, _):
        error = _Signal()
        error.number = number
        raise error

    with _handled(stop, signal.SIGTERM):
        yield


@contextlib.contextmanager
def uninterrupted():
    """Let no second ctrl-C spoil what the first one asked for, while the block runs."""
    with _handled(signal.SIG_IGN, signal.SIGTERM, signal.SIGINT):
        yield


@contextlib.contextmanager
def by_default():
    """Let ctrl-C and SIGTERM end the process at once, while the block runs."""
    with _handled(signal.SIG_DFL, signal.SIGTERM, signal.SIGINT):
        yield


def signal_of(error):
    """Return the number of the signal that a `KeyboardInterrupt` stands for."""
    return getattr(error, "number", signal.SIGINT)


@contextlib.contextmanager
def _handled(handler, *numbers):
    try:
        before = {number: signal.signal(number, handler) for number in numbers}
    except ValueError:  # only the main thread may
        before = {}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
