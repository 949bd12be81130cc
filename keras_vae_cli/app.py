"""The command line as a whole: its commands, and what a mistake prints."""

import importlib.metadata
import os
import re
import shutil
from typing import Annotated

import typer

from keras_vae_cli.arguments import did_you_mean
from keras_vae_cli.command import in_its_own_words, printable
from keras_vae_cli.encode import encode
from keras_vae_cli.evaluate import evaluate
from keras_vae_cli.export import export
from keras_vae_cli.generate import generate
from keras_vae_cli.impute import impute
from keras_vae_cli.info import info
from keras_vae_cli.interpolate import interpolate
from keras_vae_cli.reconstruct import reconstruct
from keras_vae_cli.score import score
from keras_vae_cli.screen import complain, output_error, prepare_output
from keras_vae_cli.train import train

_NARROW = 80  # columns; on fewer, boxes would break words
_OUTPUT_LOST = os.EX_IOERR

app = typer.Typer(
    help="Variational autoencoders for Keras: train, look, measure, export.",
    no_args_is_help=True,
    rich_markup_mode="rich" if shutil.get_terminal_size().columns >= _NARROW else None,
)
for command in (train, evaluate, generate, reconstruct, impute, interpolate, encode, score, info, export):
    app.command()(in_its_own_words(command))


def _show_version(wanted):
    if wanted:
        typer.echo(f"keras-vae {importlib.metadata.version('keras-vae')}")
        raise typer.Exit


@app.callback()
def _global_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
):
    pass


def main(arguments=None):
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those that the process was started with.

    Returns
    -------
    int
        The exit code: 0, 2 after a user's mistake (one line on standard error), 74 when standard output could not be
        written, 75 when another worker was lost; 128 and the number of the signal that ended it: 130 when interrupted,
        143 when terminated, 129 when the terminal was closed.
    """
    prepare_output()
    try:
        code = app(args=arguments, prog_name="keras-vae", standalone_mode=False)
    except typer.TyperException as error:
        message = printable(_in_one_style(error))
        if message:  # a bare `keras-vae` has been answered by the help
            complain(message)
        return error.exit_code
    if code == 130:
        complain("interrupted")
    lost = output_error()
    if lost is not None:
        complain(f"standard output could not be written ({lost.strerror})")
    return code or (_OUTPUT_LOST if lost else 0)


def _in_one_style(error):
    """Return a mistake in one line; those that Typer finds in the words of those that we find."""
    if type(error).__name__ == "NoSuchOption":
        near = f" Did you mean `{error.possibilities[0]}`?" if error.possibilities else ""
        return f"No such option: `{error.option_name}`.{near}"
    message = " ".join(error.format_message().split())
    if message.startswith("No such command "):
        return message.replace("command ", "command: ", 1)
    found = re.fullmatch(r"(Invalid value for|Missing (?:argument|option)) '\[?([\w-]+)[^']*'(?:\.|: (.*))", message)
    if not found:
        return message
    _, name, reason = found.groups()
    if reason is None:
        return f"`{name}` is missing."
    choices = re.fullmatch(r"Value error, '(.*)' is not one of (.*)\.", reason)
    if choices:
        received, words = choices.groups()
        near = did_you_mean(received, re.findall(r"'(.*?)'", words))
        return f"`{name}` must be one of {words}.{near} Received: {received!r}"
    if reason.startswith("Input should be "):
        return f"`{name}` must be {reason.removeprefix('Input should be ').split(', unable')[0]}"
    return f"`{name}`: {reason}"
