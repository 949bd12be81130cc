"""keras-vae train: from the name of a data set to a trained model, its numbers and its pictures."""

import contextlib
import dataclasses
import inspect
import json
import os
import pathlib
import types
from typing import Annotated, Literal

import typer

from keras_vae_cli import config_file
from keras_vae_cli.cluster import as_lost_worker, cluster_of
from keras_vae_cli.command import Mistake, as_mistake, quiet_start
from keras_vae_cli.continuation import carry_over, goes_on
from keras_vae_cli.interruption import Interrupted, heed, interruptible, uninterrupted
from keras_vae_cli.outputs import check_writable
from keras_vae_cli.rendezvous import Rendezvous
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
            help="Take data set and options from this TOML file, such as the config.toml of an earlier run; "
            "options given here take precedence.",
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
            help="Devices that train. none: one device; mirrored: all GPUs of this machine; multi-worker: the machines "
            "that the environment variable TF_CONFIG names; the chief, or the first, writes the results; auto: "
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
    command again resumes after the last whole epoch, as if uninterrupted.
    With more --epochs it continues a finished run.

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
    with interruptible():
        if cluster is not None and not cluster.is_chief:
            _take_part(settings, cluster, how)
            return
        continues = not overwrite and goes_on(settings, output)
        check_writable(output, "--output")
        directory = RunDirectory(output, overwrite=overwrite or continues)
        if continues:
            say(f"Continuing the run in {output}, which stays as it is until the further epochs are done")
        elif directory.replaces:
            say(f"The run in {output} will be replaced when this one is whole")
        with _started(cluster) as progress, directory:
            if continues:
                carry_over(directory.path, directory.workspace)
            _run(settings, directory, overwrite, how, progress)
    say(f"{'Replaced' if directory.replaces else 'Wrote'} {output}: {', '.join(RUN_FILES)}")


def _run(settings, directory, overwrite, how, progress):
    run = progress.run = _prepared(settings, how, progress)
    if directory.is_whole and _is_finished(run, directory):
        return
    _begin(run, directory, overwrite)
    try:
        with as_mistake(FloatingPointError, OSError):
            run.train(directory)
            heed()
    except Interrupted as error:
        with uninterrupted():
            raise Interrupted(run.leave(), error.signal_number) from error
    with uninterrupted():
        directory.finish(dataclasses.asdict(run.settings))


def _take_part(settings, cluster, how):
    """Be one of the workers that write nothing."""
    try:
        with _started(cluster) as progress:
            run = progress.run = _prepared(settings, how, progress)
            say(f"This is {cluster}; {cluster.addresses[0]} is the chief, which shows and writes the results")
            with as_mistake(FloatingPointError):
                run.take_part()
    except Interrupted as error:
        raise Interrupted(f"{cluster} was interrupted, and all others end with it", error.signal_number) from error
    say(f"Done: {cluster}")


@contextlib.contextmanager
def _started(cluster):
    """Start TensorFlow, with the other workers if there are any; yield what `run` is put into when there is one."""
    progress = types.SimpleNamespace(run=None, started=lambda: None)

    def how_to_go_on():
        run = progress.run
        return f"The same command, given to all workers, {run.how_to_go_on()}" if run and cluster.is_chief else ""

    with contextlib.ExitStack() as stack:
        reasons = ()
        if cluster is not None:
            rendezvous = stack.enter_context(Rendezvous(cluster))
            progress.started, reasons = rendezvous.started, rendezvous.reasons
        with quiet_start():
            from keras_vae_cli import training_run
        heed()
        with training_run.log_lines(), as_lost_worker(cluster, how_to_go_on, reasons):
            yield progress


def _prepared(settings, how, progress):
    """Load the data and build the model."""
    from keras_vae_cli import training_run

    with as_mistake(TypeError, ValueError, OSError):
        run = training_run.prepare(settings, **how, started=progress.started)
    heed()
    return run


def _is_finished(run, directory):
    """Put a run that was killed before its last step in its place, and return whether it is this one."""
    theirs = directory.settings_of_whole()
    directory.finish()
    same = json.loads(json.dumps(dataclasses.asdict(run.settings))) == theirs
    if not same:
        directory.check_free()
    return same


def _begin(run, directory, overwrite):
    """Clear away an unfinished run of other settings, or refuse to."""
    run.open(directory.workspace)
    try:
        differences = run.checkpoints.differences()
    except (ValueError, Mistake) as error:
        if not overwrite:
            raise Mistake(f"Delete the checkpoint to start over, or pass --overwrite. {error}") from error
        differences = [str(error)]
    if differences and not overwrite:
        raise Mistake(
            f"`--output` holds an unfinished run of other settings: take another directory, or --overwrite to "
            f"start over. Received: {'; '.join(differences)}"
        )
    if differences:
        directory.clear()
