"""Ctrl-C, a polite `kill` and a terminal that is closed: what is at hand is put away, then the command ends.

Nothing is raised from a signal handler, where TensorFlow or a library may swallow it or be left half-way. It notes the
signal, and the ends of batches and of stages heed it.
"""

import contextlib
import os
import signal

import typer

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_noted: list[int] = []


class Interrupted(typer.TyperException):
    """The command was interrupted, and the message says what it left."""

    def __init__(self, message, signal_number=signal.SIGINT):
        super().__init__(message)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number


@contextlib.contextmanager
def interruptible():
    """Note signals for `heed` while the block runs; a second one ends the process at once."""

    def note(number, _):
        if _noted:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        _noted.append(number)

    _noted.clear()
    try:
        with _handled(note):
            yield
    finally:
        _noted.clear()


def heed():
    """Raise `Interrupted` if a signal has come."""
    if _noted:
        raise Interrupted("interrupted", _noted[0])


@contextlib.contextmanager
def uninterrupted():
    """Let no second ctrl-C spoil what the first one asked for, while the block runs."""
    with _handled(signal.SIG_IGN):
        yield


@contextlib.contextmanager
def by_default():
    """Let signals end the process at once while the block runs, where no handler of ours would be called."""
    heed()
    with _handled(signal.SIG_DFL):
        yield


@contextlib.contextmanager
def _handled(handler):
    before = {}
    with contextlib.suppress(ValueError):  # only the main thread may
        for number in SIGNALS:
            # What is ignored, by `nohup` or in a shell's background, stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
