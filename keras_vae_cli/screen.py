"""The screen: lines of its width, a bar where someone watches, and output that nobody reads any more."""

import io
import os
import shutil
import sys
import textwrap
import time

import typer

_MINUTE = 60.0  # between two lines of a bar that nobody watches


def say(text):
    """Write lines on standard output, broken between words where the screen is narrower."""
    for line in text.splitlines():
        typer.echo(folded(line))


def complain(message):
    """Write why the command ends on standard error: one line, unless the screen is narrow."""
    typer.echo(folded(f"keras-vae: {message}", stream=sys.stderr), err=True)


def columns():
    """Return how wide lines may be: 80 columns, or what the screen has."""
    return min(80, shutil.get_terminal_size().columns) if sys.stdout.isatty() else 80


def folded(line, indent="  ", stream=None):
    """Break a line that is wider than the screen, where the stream, by default standard output, is one."""
    if not (stream or sys.stdout).isatty():
        return line
    width = shutil.get_terminal_size().columns
    return textwrap.fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def counted(number, singular, plural=None):
    """Return a number with its noun: 1 image, 2 images."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


class Bar:
    """How far a piece of work is: a bar with the time that is left, or a line a minute where nobody watches."""

    def __init__(self, words, total):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._words, self._total = words, total
        self._said = self._start = time.monotonic()
        self._progress = None
        console = Console()
        if console.is_terminal:
            bar = BarColumn(bar_width=max(10, min(40, console.width - 40)))
            columns = (TextColumn("{task.description}"), bar, MofNCompleteColumn(), TimeRemainingColumn())
            self._progress = Progress(*columns, console=console, transient=True)
            self._progress.add_task(words, total=total)
            self._progress.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def to(self, done):
        """Move the bar."""
        now = time.monotonic()
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=min(done, self._total))
        elif done and now - self._said >= _MINUTE:
            self._said = now
            left = (now - self._start) / done * (self._total - done)
            say(f"{self._words}: {done:,.0f} of {self._total:,}, {in_words(left)} left")

    def close(self):
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def in_words(seconds):
    """Return a time as one would say it."""
    if seconds < 90:
        return counted(max(1, round(seconds)), "second")
    if seconds < 90 * 60:
        return counted(round(seconds / 60), "minute")
    return f"{seconds / 3600:.1f} hours"


class _Output(io.FileIO):
    """Standard output or error, which its reader may close: output is then discarded, and the command continues."""

    errors: list[OSError] = []  # others, of standard output

    def write(self, data):
        try:
            return super().write(data)
        except OSError as error:
            if self.fileno() == 1 and not isinstance(error, BrokenPipeError):
                _Output.errors.append(error)
            # Whatever else writes to this descriptor, C code for instance, is spared too.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return len(data)


def prepare_output():
    """Let output be written line by line, and survive that nobody reads it or that it is closed."""
    for descriptor in (0, 1, 2):
        # A descriptor that is closed would be given to the next file that is opened, and lines written into that.
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = _unbreakable(sys.stdout, sys.__stdout__, 1)
    sys.stderr = _unbreakable(sys.stderr, sys.__stderr__, 2)


def _unbreakable(stream, original, descriptor):
    """Return a stream that outlives its reader; one that somebody has put in the original's place is left alone."""
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    if stream is not original or isinstance(raw, _Output):
        return stream
    encoding = getattr(stream, "encoding", "utf-8")
    buffered = io.BufferedWriter(_Output(descriptor, "w", closefd=False))
    # A name that cannot be shown here must not end a run.
    return io.TextIOWrapper(buffered, encoding, errors="backslashreplace", line_buffering=True)


def output_error():
    """Return what kept standard output from being written, where that was not its reader's wish; else None."""
    return _Output.errors[0] if _Output.errors else None
