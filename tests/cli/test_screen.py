"""What the screen shows: lines of its width, and output that nobody reads or that cannot be written."""

import os
import pty
import re
import subprocess
import sys

import pytest

from keras_vae_cli.command import LOG_LEVEL
from keras_vae_cli.screen import counted, in_words
from tests.soaked import soaked

TALK = """
import sys
from keras_vae_cli.screen import Bar, prepare_output, say
prepare_output()
for number in range(20_000):
    say(f"line {number} of many, with-hyphens and more words than a narrow screen can hold in one line of its own")
with Bar("images", 5) as bar:
    bar.to(5)
print("the run lives", file=sys.stderr)
"""


def run(arguments, **how):
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", LOG_LEVEL)}
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=300,
        **how,
    )


def test_a_reader_that_leaves_ends_nothing_and_is_no_error():
    script = f'"{sys.executable}" -c "$0" | head -n 1'
    done = subprocess.run(["bash", "-c", script, TALK], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("line 0 of many")
    assert done.stderr == "the run lives\n"


@pytest.mark.parametrize("redirection", [">&-", "2>&1 >&-", "<&- >&-"])
def test_a_closed_output_ends_nothing(redirection, tmp_path):
    opened = "import pathlib; pathlib.Path('a').write_text('x'); print(open('a').fileno() > 2, file=sys.stderr)"
    done = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -c "$0" {redirection}', TALK + opened],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    # No file gets the descriptor of the output, and what is said does not end up in it.
    assert done.returncode == 0
    assert "the run lives\nTrue\n" in done.stderr + done.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full device here")
@pytest.mark.parametrize("words", soaked([["--version"], ["info", "MODEL"]], quick=[["--version"]]), ids=" ".join)
def test_an_output_that_is_full_is_said_in_one_line_and_by_the_exit_code(saved, words):
    words = [str(saved) if word == "MODEL" else word for word in words]
    with open("/dev/full", "w") as full:
        done = run(["-m", "keras_vae_cli", *words], stdout=full)
    assert done.returncode == os.EX_IOERR
    assert done.stderr == "keras-vae: standard output could not be written (No space left on device)\n"


@pytest.mark.parametrize("columns", [40, 60])
def test_on_a_screen_lines_are_broken_between_words(columns):
    talk = f"import os, sys; os.environ['COLUMNS'] = '{columns}'\n" + TALK.replace("20_000", "2")
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", talk], stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other side has ended
            break
        if not part:
            break
        said += part
    os.close(ours)
    assert process.wait(60) == 0
    lines = said.decode().split("images")[0].split("\x1b")[0].splitlines()
    assert lines[0].startswith("line 0") and max(map(len, lines)) <= columns
    words = [
        "line",
        "0",
        "of",
        "many,",
        "with-hyphens",
        "and",
        "more",
        "words",
        "than",
        "a",
        "narrow",
        "screen",
        "can",
        "hold",
        "in",
        "one",
        "line",
        "of",
        "its",
        "own",
    ]
    assert " ".join(lines).split()[: len(words)] == words


def test_numbers_go_with_their_nouns():
    assert [counted(number, "image") for number in (0, 1, 2, 1234)] == [
        "0 images",
        "1 image",
        "2 images",
        "1,234 images",
    ]
    assert [in_words(seconds) for seconds in (0.2, 59, 100, 5000, 9600)] == [
        "1 second",
        "59 seconds",
        "2 minutes",
        "83 minutes",
        "2.7 hours",
    ]


COMMANDS = ("train", "evaluate", "reconstruct", "encode", "score", "interpolate", "export")


@pytest.mark.parametrize("command", soaked(COMMANDS, quick=("train", "export")))
def test_the_help_breaks_no_word_on_60_columns(command):
    done = subprocess.run(
        [sys.executable, "-m", "keras_vae_cli", command, "--help"],
        env=os.environ | {"COLUMNS": "60", "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=True,
    )
    wide = subprocess.run(
        [sys.executable, "-m", "keras_vae_cli", command, "--help"],
        env=os.environ | {"COLUMNS": "79", "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=True,
    )
    # A word may be broken at its own hyphen; put together again, both screens say the same.
    narrow_words, wide_words = (set(re.sub(r"-\n\s*", "-", one.stdout).split()) for one in (done, wide))
    assert narrow_words | {"-"} >= {word for word in wide_words if "-" not in word}
    assert "…" not in done.stdout.replace(",…", "").replace("mixed_…", "")
