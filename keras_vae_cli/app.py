"""The command line as a whole: its commands, and what a mistake prints."""

import importlib.metadata
import sys
from typing import Annotated

import typer

from keras_vae_cli.evaluate import evaluate
from keras_vae_cli.export import export
from keras_vae_cli.generate import generate
from keras_vae_cli.info import info
from keras_vae_cli.interpolate import interpolate
from keras_vae_cli.reconstruct import reconstruct
from keras_vae_cli.train import train

app = typer.Typer(help="Variational autoencoders for Keras: train, look, measure, export.", no_args_is_help=True)
for command in (train, evaluate, generate, reconstruct, interpolate, info, export):
    app.command()(command)


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
        The exit code: 0, 2 after a user's mistake (one line on standard error), 75 when another worker was
        lost, 130 when interrupted, 143 when terminated.
    """
    if hasattr(sys.stdout, "reconfigure"):
        # Show progress as it is made, also through a pipe.
        sys.stdout.reconfigure(line_buffering=True)
    try:
        code = app(args=arguments, prog_name="keras-vae", standalone_mode=False)
    except typer.TyperException as error:
        message = " ".join(error.format_message().split())
        if message:  # a bare `keras-vae` has been answered by the help
            typer.echo(f"keras-vae: {message}", err=True)
        return error.exit_code
    if code == 130:
        typer.echo("keras-vae: interrupted", err=True)
    return code or 0
