"""Pictures of a model while it trains."""

import io
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_vae import plots
from keras_vae.callbacks.readings import check_model
from keras_vae.core import atomic_write, check_integer, check_writable_directory, resolve_seed
from keras_vae.models import collect

_NUM_IMAGES = 10


class ImageLogger(keras.callbacks.Callback):
    """Draw a model every few epochs, to files, to TensorBoard, or to both.

    By default three pictures are drawn: `samples`, of the same points of the prior each time; `reconstructions` of the
    first ten of x, where there is x; and, of a model with two latent dimensions, the `manifold`. A model with a
    condition needs x with its condition, under which samples are drawn in turn, and has no manifold. Each picture is
    drawn once before training starts, so that errors come then. The callback does not change the training.

    Parameters
    ----------
    directory : str or pathlib.Path, optional
        Where files go, as `<name>_<epoch>.png` with epochs from 1, such as `samples_0005.png`. Made if need be.
    log_dir : str or pathlib.Path, optional
        Where TensorBoard's files go: into `images` below it, at the steps of Keras's own callback, epochs from 0. The
        package tensorboard is not needed to write them.
    x : array_like, optional
        Shape (n, *event_shape): observations as the likelihood takes them, such as a batch of the validation set; or
        what else `fit` takes, such as `(x, labels)`.
    every_n_epochs : int
        How often, at least 1.
    num_samples : int
        Images in the picture of samples, at least 1.
    seed : int
        Of the samples.
    figures : mapping, optional
        What to draw instead: from names to functions that take the model and return a matplotlib figure.

    Raises
    ------
    TypeError
        If `figures` holds something else. When training starts, if the model is not one of this package, or a function
        returns no figure.
    ValueError
        If an argument is out of range, or neither a directory nor a log_dir is given. When training starts, if the
        model's observations are not images and no `figures` are given, or x does not suit the likelihood.
    OSError
        When training starts, if a directory cannot be made or written.

    Examples
    --------
    >>> vae.fit(train_x, epochs=20, callbacks=[ImageLogger("pictures", x=test_x[:10], every_n_epochs=5)])
    """

    def __init__(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        log_dir: str | os.PathLike[str] | None = None,
        x: Any = None,
        every_n_epochs: int = 1,
        num_samples: int = 36,
        seed: int = 0,
        figures: Mapping[str, Callable[[Any], Any]] | None = None,
    ):
        super().__init__()
        if directory is None and log_dir is None:
            raise ValueError("`directory` or `log_dir` must be given. Received: neither")
        self.directory = None if directory is None else pathlib.Path(directory)
        self.log_dir = None if log_dir is None else pathlib.Path(log_dir)
        self.x = x
        self.every_n_epochs = check_integer("every_n_epochs", every_n_epochs, minimum=1)
        self.num_samples = check_integer("num_samples", num_samples, minimum=1)
        self.seed = resolve_seed(seed)
        self.figures = None if figures is None else _check_figures(figures)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Draw everything once, to find out what cannot be drawn or written."""
        model = check_model(self)
        self._figures = self._defaults(model) if self.figures is None else self.figures
        for name in self._figures:
            self._draw(name)
        if self.directory is not None:
            check_writable_directory(self.directory)
        self._writer = None
        if self.log_dir is not None:
            self._writer = tf.summary.create_file_writer(str(check_writable_directory(self.log_dir / "images")))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Draw and write, every `every_n_epochs` epochs."""
        if (epoch + 1) % self.every_n_epochs:
            return
        for name in self._figures:
            figure = self._draw(name)
            if self.directory is not None:
                with atomic_write(self.directory / f"{name}_{epoch + 1:04d}.png") as aside:
                    figure.savefig(aside)
            if self._writer is not None:
                _write_figure(self._writer, name, figure, epoch)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Close TensorBoard's file."""
        if self._writer is not None:
            self._writer.close()

    def _draw(self, name):
        figure = self._figures[name](self.model)
        if not hasattr(figure, "savefig"):
            raise TypeError(f"`figures[{name!r}]` must return a matplotlib figure. Received: {figure!r}")
        return figure

    def _defaults(self, model):
        if model.condition is not None and self.x is None:
            raise ValueError(
                "`x` must be given with its condition, such as `(x, labels)`, for a model with a condition, or "
                "`figures`. Received: x=None"
            )
        try:
            self._draw_samples(model)
        except ValueError as error:
            raise ValueError(
                f"`figures` must be given for a model whose observations are not images: {error}"
            ) from None
        figures = {"samples": self._draw_samples}
        if self.x is not None:
            figures["reconstructions"] = self._draw_reconstructions
        if model.latent_shapes == ((2,),) and model.condition is None:
            figures["manifold"] = plots.latent_manifold
        return figures

    def _draw_samples(self, model):
        condition = None
        if model.condition is not None and self.x is not None:
            values = collect(self.x, model.spec).condition
            condition = values[np.arange(self.num_samples) % len(values)]
        images = model.generate(self.num_samples, condition, seed=self.seed)
        return plots.samples(images, value_range=model.likelihood.support)

    def _draw_reconstructions(self, model):
        batch = collect(self.x, model.spec).rows(0, _NUM_IMAGES)
        support = model.likelihood.support or (0.0, 1.0)
        return plots.reconstructions(batch.x, model.reconstruct(batch), value_range=support)


def _check_figures(figures):
    is_good = isinstance(figures, Mapping) and len(figures) and all(callable(draw) for draw in figures.values())
    if not is_good:
        raise TypeError(f"`figures` must map names to functions of the model, at least one. Received: {figures!r}")
    for name in figures:
        if not isinstance(name, str) or not name or name != pathlib.PurePath(name).name:
            raise ValueError(f"`figures` must have names that can begin a file's name. Received: {name!r}")
    return dict(figures)


def _write_figure(writer, name, figure, step):
    """Write a figure as `tf.summary.image` would, which needs the package tensorboard; this needs only TensorFlow."""
    metadata = tf.compat.v1.SummaryMetadata(
        plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="images", content=b"")
    )
    png = io.BytesIO()
    figure.savefig(png, format="png")
    height, width, _ = tf.io.decode_png(png.getvalue()).shape
    with writer.as_default(), tf.summary.record_if(True):
        tf.summary.write(name, [str(width), str(height), png.getvalue()], step=step, metadata=metadata)
    writer.flush()
