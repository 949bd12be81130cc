"""keras-vae train: from the name of a data set to a trained model, its numbers and its pictures."""

import contextlib
import dataclasses
import inspect
import os
import pathlib
from typing import Annotated, Literal

import typer

from keras_vae_cli import config_file
from keras_vae_cli.cluster import as_lost_worker, cluster_of, meet
from keras_vae_cli.command import Mistake, as_mistake, quiet_start
from keras_vae_cli.continuation import carry_over, goes_on
from keras_vae_cli.interruption import Interrupted, interruptible, signal_of, uninterrupted
from keras_vae_cli.outputs import check_writable
from keras_vae_cli.resolution import resolved
from keras_vae_cli.run_directory import RUN_FILES, RunDirectory
from keras_vae_cli.screen import say
from keras_vae_cli.settings import Settings


def _with_settings(command):
    """Give a command an argument or option for each field of `Settings`."""
    own = [p for p in inspect.signature(command).parameters.values() if p.kind is not p.VAR_KEYWORD]
    fields = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default,
            annotation=field.type,
        )
        for field in dataclasses.fields(Settings)
    ]
    command.__signature__ = inspect.Signature([*own, *fields])
    return command


def _read_config(context: typer.Context, path: pathlib.Path | None):
    if path is not None:
        context.default_map = (context.default_map or {}) | config_file.read_words(path)
    return path


@_with_settings
def train(
    output: Annotated[
        pathlib.Path, typer.Option(help="Directory for the model, its numbers and its pictures.", show_default=False)
    ],
    config: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="Take data set and options from this TOML file, such as the config.toml of an earlier run; what is "
            "given here goes before what it says.",
            show_default=False,
            is_eager=True,
            callback=_read_config,
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an older run in the directory.")] = False,
    fallback_to_digits: Annotated[
        bool,
        typer.Option(
            "--fallback-to-digits",
            help="If the data set is not found, train on scikit-learn's digits, ten times as many epochs.",
        ),
    ] = False,
    strategy: Annotated[
        Literal["auto", "none", "mirrored", "multi-worker"],
        typer.Option(
            help="Who trains. none: one device; mirrored: all GPUs of this machine; multi-worker: the machines that "
            "the environment variable TF_CONFIG names; the chief, or the first, writes the results; auto: "
            "those if it names several, else one device.",
            metavar="<name>",
        ),
    ] = "auto",
    **settings,
):
    """Train a VAE on a data set.

    The directory gets model.keras, config.toml (with which --config repeats
    the run), history.csv, metrics.json, reconstructions.png, samples.png,
    latent.png and loss.png. All numbers are nats per image.

    Ctrl-C leaves the model as it is in the directory's unfinished/; the same
    command again goes on after the last whole epoch, as if nothing had been.
    With more --epochs it goes on with a finished run.

    \b
    Examples:
      keras-vae train fashion_mnist --epochs 5 --output runs/fashion
      keras-vae train digits --architecture mlp --latent-dim 2 --output runs/d2
      keras-vae train fashion_mnist --likelihood gaussian --output runs/sigma
      keras-vae train fashion_mnist --beta 4 --beta-schedule linear \\
          --beta-epochs 10 --output runs/beta4
      keras-vae train --config runs/fashion/config.toml --seed 1 \\
          --output runs/fashion-1
    """
    settings = resolved(Settings(**settings))
    cluster = cluster_of(strategy, os.environ)
    how = {"fallback_to_digits": fallback_to_digits, "strategy": strategy, "cluster": cluster}
    if cluster is not None and not cluster.is_chief:
        with interruptible():
            _take_part(settings, cluster, how)
        return
    continues = not overwrite and goes_on(settings, output)
    check_writable(output, "--output")
    directory = RunDirectory(output, overwrite=overwrite or continues)
    with interruptible():
        try:
            if continues:
                say(f"Going on with the run in {output}, which stays as it is until the further epochs are done")
                carry_over(directory.path, directory.workspace)
            _run(settings, directory, overwrite, how)
        finally:
            directory.remove_if_without_model()
    say(f"{'Replaced' if directory.replaces else 'Wrote'} {output}: {', '.join(RUN_FILES)}")


def _run(settings, directory, overwrite, how):
    if directory.replaces and overwrite:
        say(f"The run in {directory.path} will be replaced when this one is whole")
    with _prepared(settings, how) as run:
        _begin(run.settings, directory, overwrite)
        try:
            with as_mistake(FloatingPointError, OSError):
                run.train(directory.workspace)
            with uninterrupted():
                directory.finish()
        except KeyboardInterrupt as error:
            with uninterrupted():
                raise Interrupted(run.leave(directory.workspace), signal_of(error)) from error


def _take_part(settings, cluster, how):
    """Be one of the workers that write nothing."""
    try:
        with _prepared(settings, how) as run, as_mistake(FloatingPointError):
            say(f"This is {cluster}; {cluster.addresses[0]} is the chief, which shows and writes the results")
            run.take_part()
    except KeyboardInterrupt as error:
        raise Interrupted(f"{cluster} was interrupted, and all others end with it", signal_of(error)) from error
    say(f"Done: {cluster}")


@contextlib.contextmanager
def _prepared(settings, how):
    """Start TensorFlow, with the other workers if there are any, load the data and build the model."""
    run, cluster = None, how["cluster"]

    def how_to_go_on():
        return f"The same command, given to all workers, {run.how_to_go_on()}" if run and cluster.is_chief else ""

    if cluster is not None:
        meet(cluster)
    with quiet_start():
        from keras_vae_cli import training_run

    with training_run.log_lines(), as_lost_worker(cluster, how_to_go_on):
        with as_mistake(TypeError, ValueError, OSError):
            run = training_run.prepare(settings, **how)
        yield run


def _begin(settings, directory, overwrite):
    """Write the config, after clearing away an unfinished run of other settings."""
    config = directory.workspace / "config.toml"
    if config.exists():
        differences = settings.differences(config_file.read_settings(config))
        if differences and not overwrite:
            raise Mistake(
                f"`--output` holds an unfinished run of other settings: take another directory, or --overwrite to "
                f"begin anew. Received: {'; '.join(differences)}"
            )
        if differences:
            directory.clear()
    config_file.write_config(settings, config)
