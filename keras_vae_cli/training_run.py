"""A training run: from the name of a data set to the files that `keras-vae train` leaves."""

import contextlib
import dataclasses
import datetime
import json
import logging
import math
import sys

import keras
import numpy as np
import tensorflow as tf
import typer

import keras_vae as kv
from keras_vae_cli.training_speed import TrainingSpeed
from keras_vae_cli.versions import versions

# One set of binary test images for all runs, whatever their seed: their numbers can be compared.
TEST_SEED = 777

_NUM_SAMPLES = 64

_TRAIN_WORDS = {
    "dynamic": "dynamic: drawn afresh in each epoch, one with the grey value as the probability",
    "fixed": f"fixed: drawn once, one with the grey value as the probability, seed {TEST_SEED}",
    None: "none: grey values in [0, 1], with which the Bernoulli's elbo is a cross-entropy and no bound on a density",
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a run is made from; the options of `keras-vae train` as they are explained there.

    Parameters
    ----------
    dataset : str
        A name that `keras_vae.data.load` knows.
    latent_dim, epochs, batch_size : int
        At least 1.
    binarize : {"dynamic", "fixed", None}
        How training images are made binary; test images are then drawn once.
    beta : float
        The weight of the KL term, at least 0.
    learning_rate : float
        Adam's, above 0.
    seed : int
        Of weights, order, binarization of the training images, and noise.
    limit : int or None
        How many training images at most.
    """

    dataset: str
    latent_dim: int
    epochs: int
    batch_size: int
    binarize: str | None
    beta: float
    learning_rate: float
    seed: int
    limit: int | None


class TrainingRun:
    """Data and model of a run, ready to be trained.

    Parameters
    ----------
    settings : Settings
        What the run is made from.
    train, test : keras_vae.data.ImageSet
        The data.
    """

    def __init__(self, settings, train, test):
        self.settings = settings
        self.train_set = train
        self.test_set = test
        # Once and for all: what is evaluated is also what the pictures show.
        self.test_x = _test_array(test.images, settings.binarize)
        keras.utils.set_random_seed(settings.seed)
        self.vae = _model(settings, event_shape=train.images.shape[1:])

    def train(self, directory):
        """Train, evaluate on the test set, and write all files of the run.

        Parameters
        ----------
        directory : pathlib.Path
            An existing, empty directory.

        Raises
        ------
        FloatingPointError
            If the loss became NaN or infinite.
        """
        settings = self.settings
        typer.echo(self._announcement())
        train_data, test_data = self._pipelines()
        speed = TrainingSpeed(len(self.train_set))
        self.vae.fit(
            train_data,
            validation_data=test_data,
            epochs=settings.epochs,
            # A bar where someone watches, one line an epoch in a log.
            verbose=1 if sys.stdout.isatty() else 2,
            callbacks=[keras.callbacks.CSVLogger(str(directory / "history.csv")), speed],
        )
        results = self.vae.evaluate(test_data, verbose=0, return_dict=True)
        if not all(math.isfinite(value) for value in results.values()):
            raise FloatingPointError(f"the test loss must be finite: try a lower --learning-rate. Received: {results}")

        typer.echo("Saving the model and its pictures")
        self.vae.save(directory / "model.keras")
        metrics = self._metrics(results, speed.images_per_second)
        (directory / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
        self._draw(directory)
        typer.echo(
            f"Test elbo {results['elbo']:.2f} nats per image: reconstruction_loss "
            f"{results['reconstruction_loss']:.2f}, kl_loss {results['kl_loss']:.2f}; "
            f"trained at {speed.images_per_second:,.0f} images/s"
        )

    def _announcement(self):
        size = " x ".join(map(str, self.train_set.images.shape[1:]))
        epochs = "1 epoch" if self.settings.epochs == 1 else f"{self.settings.epochs} epochs"
        return (
            f"Training on {len(self.train_set):,} images of {size}, {epochs}, on the {_device()}; "
            f"binarization {_TRAIN_WORDS[self.settings.binarize].split(':')[0]}"
        )

    def _pipelines(self):
        settings = self.settings
        images, binarize = self.train_set.images, settings.binarize
        if binarize == "fixed":
            images, binarize = kv.data.binarize(images, TEST_SEED), None
        train_data = kv.data.pipeline(
            images, batch_size=settings.batch_size, binarize=binarize, shuffle=True, seed=settings.seed
        )
        return train_data, kv.data.pipeline(self.test_x, batch_size=settings.batch_size)

    def _metrics(self, results, images_per_second):
        settings = self.settings
        return {
            **{name: float(results[name]) for name in ("elbo", "kl_loss", "reconstruction_loss", "loss")},
            "units": "nats per image, averaged over the test set",
            "dataset": settings.dataset,
            "num_train": len(self.train_set),
            "num_test": len(self.test_set),
            "binarization": {
                "train": _TRAIN_WORDS[settings.binarize],
                "test": _TRAIN_WORDS["fixed" if settings.binarize else None],
            },
            "epochs": settings.epochs,
            "seed": settings.seed,
            "images_per_second": round(images_per_second, 1),
            "device": _device(),
            "settings": dataclasses.asdict(settings),
            "versions": versions(),
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }

    def _draw(self, directory):
        test, name = self.test_set, self.settings.dataset
        # One image of each class, the first of it in the test set.
        rows = np.unique(test.labels, return_index=True)[1]
        x = self.test_x[rows]
        figures = {
            "reconstructions": kv.plots.reconstructions(
                test.images[rows],
                self.vae.reconstruct(x),
                inputs=x if self.settings.binarize else None,
                title=f"{name}, test images",
            ),
            "samples": kv.plots.samples(
                self.vae.generate(_NUM_SAMPLES, seed=self.settings.seed),
                title=f"{name}: means of p(x|z), z drawn from the prior",
            ),
            "latent": kv.plots.latent_scatter(
                self.vae.encode(self.test_x),
                test.labels,
                test.class_names,
                title=f"{name}: posterior means of {len(test):,} test images",
            ),
            "loss": kv.plots.history(directory / "history.csv", title=f"{name}, validation on the test set"),
        }
        for file_name, figure in figures.items():
            figure.savefig(directory / f"{file_name}.png")


def prepare(settings, *, fallback_to_digits=False):
    """Load the data and build the model, and so find what is wrong with the settings before anything is trained.

    Parameters
    ----------
    settings : Settings
        What the run is made from.
    fallback_to_digits : bool
        Whether scikit-learn's digits, with ten times the epochs, step in for a data set that is nowhere to be had.

    Returns
    -------
    TrainingRun

    Raises
    ------
    ValueError
        If a setting is out of range, or a file of the data set is broken.
    DataNotFoundError
        If the data set is nowhere to be had.
    """
    try:
        train, test = kv.data.load(settings.dataset)
    except kv.data.DataNotFoundError as error:
        if not fallback_to_digits:
            raise
        # They are few: with the epochs of a large set the model would hardly have begun to learn.
        settings = dataclasses.replace(settings, dataset="digits", epochs=10 * settings.epochs)
        typer.echo(f"{error} Going on with scikit-learn's digits, for {settings.epochs} epochs.")
        train, test = kv.data.load(settings.dataset)
    if settings.limit is not None:
        train = train.first(settings.limit)
    return TrainingRun(settings, train, test)


@contextlib.contextmanager
def log_lines():
    """Show what the package logs as plain lines on standard output."""
    logger = logging.getLogger("keras_vae")
    handler = logging.StreamHandler(sys.stdout)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _model(settings, event_shape):
    vae = kv.VAE(
        encoder=kv.networks.ConvEncoder(filters=(32, 64)),
        posterior=kv.posteriors.DiagonalGaussian(latent_dim=settings.latent_dim),
        decoder=kv.networks.ConvDecoder(filters=(64, 32)),
        likelihood=kv.likelihoods.Bernoulli(event_shape=event_shape),
        objective=kv.objectives.ELBO(beta=settings.beta),
        seed=settings.seed,
    )
    vae.compile(optimizer=keras.optimizers.Adam(settings.learning_rate))
    return vae


def _test_array(images, binarize):
    return kv.data.binarize(images, TEST_SEED) if binarize else images.astype(np.float32) / np.float32(255)


def _device():
    gpus = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU") if gpus else "CPU"
