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


def folded(line, indent="  "):
    """Break a line that is wider than the screen, where there is one."""
    if not sys.stdout.isatty():
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
    """Standard output, which the reader may close: then it is thrown away, and the command goes on."""

    error = None

    def write(self, data):
        try:
            return super().write(data)
        except OSError as error:
            if not isinstance(error, BrokenPipeError) and _Output.error is None:
                _Output.error = error
            # Whatever else writes to this descriptor, C code for instance, is spared too.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return len(data)


def prepare_output():
    """Let standard output be written line by line, and survive that nobody reads it or that it is closed."""
    for descriptor in (0, 1, 2):
        # A descriptor that is closed would be given to the next file that is opened, and lines written into that.
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), errors="backslashreplace")
    if sys.stdout is None or (sys.stdout is sys.__stdout__ and not isinstance(_raw(sys.stdout), _Output)):
        encoding = getattr(sys.stdout, "encoding", "utf-8")
        buffered = io.BufferedWriter(_Output(1, "w", closefd=False))
        # A name that cannot be shown here must not end a run.
        sys.stdout = io.TextIOWrapper(buffered, encoding, errors="backslashreplace", line_buffering=True)


def output_error():
    """Return what kept standard output from being written, where that was not its reader's wish; else None."""
    return _Output.error


def _raw(stream):
    return getattr(getattr(stream, "buffer", None), "raw", None)
