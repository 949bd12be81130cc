"""keras-vae evaluate: from a saved model and images to the model's numbers."""

import contextlib
import datetime
import json
import pathlib
import signal
import time
from typing import Annotated, Literal

import typer

from keras_vae_cli import options
from keras_vae_cli.arguments import check_dataset, locate
from keras_vae_cli.command import Mistake, as_mistake, quiet_start, versions
from keras_vae_cli.interruption import Interrupted
from keras_vae_cli.outputs import check_free, parents_made
from keras_vae_cli.screen import Bar, counted, in_words, say

# Images, and samples for each of them, that take about a minute on two cores; and the samples of published tables.
_QUICK = {"importance": (500, 500), "prior": (500, 5000), "ais": (10, 4)}
_PUBLISHED = {"importance": 5000, "prior": 5000, "ais": 16}
_STEPS, _PUBLISHED_STEPS = 100, 1000  # of annealing
_ELBO_SAMPLES = 64


def evaluate(
    model: options.Model,
    dataset: options.Dataset = None,
    method: Annotated[
        Literal["importance", "prior", "ais"],
        typer.Option(
            help="How the evidence is estimated: from samples of q(z|x), from samples of the prior, or by annealed "
            "importance sampling.",
            metavar="<name>",
        ),
    ] = "importance",
    num_samples: Annotated[
        int | None,
        typer.Option(
            help="Samples for the evidence of each image; published tables have 5000.",
            show_default="500; 5000 with prior; 4 chains with ais",
            **options.COUNT,
        ),
    ] = None,
    num_steps: Annotated[
        int | None,
        typer.Option(help="ais: steps of the path; published tables have 1000.", show_default="100", **options.COUNT),
    ] = None,
    limit: Annotated[
        str | None,
        typer.Option(
            help="The most images, or all. Of a data set they are the first ones; of a folder, whose names may go by "
            "class, they are spaced evenly.",
            metavar="<int>|all",
            parser=options.count_or_all,
            show_default="500; 10 with ais",
        ),
    ] = None,
    seed: options.Seed = 0,
    json_file: Annotated[
        pathlib.Path | None, typer.Option("--json", help="Also write the numbers to this file.", show_default=False)
    ] = None,
    overwrite: options.Overwrite = False,
    split: options.TestOrTrain = "test",
    binarize: options.Binarize = "auto",
    broken_files: options.BrokenFiles = None,
    max_pixels: options.MaxPixels = None,
):
    """Evaluate a model: bound, evidence, bits per dimension, active units.

    All numbers are nats per image unless stated otherwise. By default
    that takes about a minute; --limit all --num-samples 5000 is the
    protocol of published tables, and the command says what it would take.

    Ctrl-C gives the numbers of the images that are done.

    \b
    Examples:
      keras-vae evaluate runs/fashion
      keras-vae evaluate runs/fashion fashion_mnist --json runs/fashion.json
      keras-vae evaluate runs/fashion --limit all --num-samples 5000
    """
    if num_steps is not None and method != "ais":
        raise Mistake(f"`--num-steps` must be left out except for --method ais. Received: {num_steps}")
    locate(model)
    if dataset is not None:
        dataset = check_dataset(dataset)
    if json_file is not None:
        if json_file.is_dir():
            raise Mistake(f"`--json` must be a file. Received: {str(json_file)!r}, a directory")
        check_free(json_file, "--json", overwrite)
    quick_images, quick_samples = _QUICK[method]
    num_samples, num_steps = num_samples or quick_samples, num_steps or _STEPS
    limit = {None: quick_images, "all": None}.get(limit, limit)
    with quiet_start():
        import keras_vae as kv
        from keras_vae_cli.loading import Trained, load_images

    with as_mistake(TypeError, ValueError, OSError):
        trained = Trained(model)
        images = load_images(
            trained,
            [dataset] if dataset else None,
            split=split,
            limit=limit,
            spaced=True,
            broken_files=broken_files,
            max_pixels=max_pixels,
        )
        x, values = trained.observations(images.pixels, binarize)
        say(f"Evaluating {model} on {images.in_words()}, {' x '.join(map(str, x.shape[1:]))}; values {values}")
        with _asked_to_stop() as asked, Bar("images", len(x)) as bar:
            found = kv.evaluation.evaluate_vae(
                trained.vae,
                trained.given(x, images),
                method=method,
                num_samples=num_samples,
                elbo_samples=_ELBO_SAMPLES,
                seed=seed,
                # Chains of one image at a time, so that some are done when others are not.
                **({"batch_size": 1, "num_steps": num_steps} if method == "ais" else {}),
                progress=_Watch(bar, asked, len(x), images.total, num_samples, num_steps, method),
            )
        say(str(found))
        if json_file is not None:
            about = {
                "model": model,
                "dataset": trained.sources_or_own([dataset] if dataset else None)[0],
                "num_available": images.total,
                "values": values,
            }
            # A folder of others has no split: all its images are taken.
            about |= {"split": split} if images.has_split else {}
            date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            record = {**found.to_dict(), **about, "versions": versions(), "date": date}
            with parents_made(json_file), kv.core.atomic_write(json_file) as aside:
                aside.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
            say(f"Wrote {json_file}")
    if asked:
        done = counted(found.num_examples, "image") if method != "prior" else counted(found.num_samples, "sample")
        raise Interrupted(f"interrupted: the numbers are those of {done}", asked[0])


class _Watch:
    """Moves the bar, says what it will all take as soon as that is known, and ends the estimate where that is asked."""

    def __init__(self, bar, asked, size, total, num_samples, num_steps, method):
        self._bar, self._asked = bar, asked
        self._size, self._total, self._num_samples, self._num_steps = size, total, num_samples, num_steps
        self._method = method
        self._first = None

    def __call__(self, share):
        self._bar.to(share * self._size)
        now = time.monotonic()
        if share > 0 and self._first is None:
            self._first = (share, now)  # the first step compiles
        elif share > 0 and self._first:
            seconds = (now - self._first[1]) / (share - self._first[0])
            self._first = ()
            say(self._announcement(seconds))
        return bool(self._asked)

    def _announcement(self, seconds):
        published = _PUBLISHED[self._method]
        said = f"That takes about {in_words(seconds * (1 + _ELBO_SAMPLES / self._num_samples))}"
        if self._total > self._size or published > self._num_samples:
            seconds *= self._total / self._size * published / self._num_samples
            steps = ""
            if self._method == "ais":
                seconds *= _PUBLISHED_STEPS / self._num_steps
                steps = f" --num-steps {_PUBLISHED_STEPS}"
            said += (
                f". --limit all --num-samples {published}{steps}, as in published tables, takes about "
                f"{in_words(seconds)} for {counted(self._total, 'image')}"
            )
        return said


@contextlib.contextmanager
def _asked_to_stop():
    """Note ctrl-C and SIGTERM in a list, while the block runs; a second one ends the process."""
    asked, numbers = [], (signal.SIGINT, signal.SIGTERM)

    def note(number, _):
        asked.append(number)
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
