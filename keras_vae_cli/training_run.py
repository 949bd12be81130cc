"""A training run: from settings to the files that `keras-vae train` leaves."""

import contextlib
import dataclasses
import datetime
import errno
import json
import logging
import math
import pathlib
import shutil
import sys
import tempfile

import keras
import tensorflow as tf

import keras_vae as kv
from keras_vae_cli.checkpoints import Checkpoints
from keras_vae_cli.command import Mistake, versions
from keras_vae_cli.heed_signals import HeedSignals
from keras_vae_cli.interruption import heed
from keras_vae_cli.loading import grey_values
from keras_vae_cli.model_parts import build_model
from keras_vae_cli.progress import EpochLines, TrainingSpeed
from keras_vae_cli.screen import counted, folded, say
from keras_vae_cli.strategies import check_agreement, from_chief, make_strategy
from keras_vae_cli.training_data import examples, load_training_data, values_in_words

_NUM_SAMPLES = 64
_NUM_OF_CLASS, _MOST_CLASSES = 10, 20
_FEW_STEPS = 1000


class TrainingRun:
    """Data and model of a run, ready to be trained."""

    def __init__(self, settings, data, strategy, cluster=None):
        self.settings = settings
        self.data = data
        self.strategy, self.cluster = strategy, cluster
        with strategy.scope():
            self.vae = build_model(settings, data.event_shape, data.steps_per_epoch, data.class_names)
        self.train_data, self.test_data = data.pipelines(self.vae.likelihood)
        self.checkpoints = None

    def open(self, workspace):
        """Say where the run is worked on."""
        self.checkpoints = Checkpoints(workspace, self.settings, self.monitor)

    def train(self, directory):
        """Train, from the last checkpoint if there is one, evaluate on the test set, and write all files of the run."""
        say(self._announcement())
        self._resume()
        directory.rehearse(self._rehearse)
        speed, lines = TrainingSpeed(self.data.num_train), EpochLines(self.data.steps_per_epoch)
        with contextlib.closing(lines):
            self._fit([*self.checkpoints.callbacks(self._stopping()), speed, lines])
        self._finish(directory.workspace, speed)

    def take_part(self):
        """Train beside the chief, and write nothing."""
        with tempfile.TemporaryDirectory() as directory:
            self.open(pathlib.Path(directory))
            self._resume()
        self._fit([])

    def leave(self):
        """Save the model as it is, in the middle of an epoch too."""
        if not keras.ops.convert_to_numpy(self.vae.optimizer.iterations):
            return "interrupted before the first training step"
        model = self.checkpoints.directory / "model.keras"
        self.checkpoints.save(model, self.vae)
        whole, epochs = self.checkpoints.epochs, self.settings.epochs
        where = f"in epoch {whole + 1} of {epochs}" if whole < epochs else "after the last epoch"
        return f"interrupted {where}. The model as it is now: {model}. The same command {self.how_to_go_on()}"

    def how_to_go_on(self):
        """Say what the same command will do, for whoever reads that the run has ended too early."""
        whole = self.checkpoints.epochs if self.checkpoints else 0
        return f"resumes after epoch {whole}" if whole else "starts over: no epoch was whole"

    def _resume(self):
        path = self.checkpoints.path
        if self.cluster:
            check_agreement(self.strategy, self.settings, self.data)
            content = from_chief(self.strategy, path.read_bytes() if path.exists() else b"")
            if content and not self.cluster.is_chief:
                path.write_bytes(content)
        with self.strategy.scope():
            vae = self.checkpoints.restore()
        if vae is None:
            return
        done, epochs = self.checkpoints.epochs, self.settings.epochs
        if done > epochs:
            raise Mistake(
                f"`--epochs` must be at least {done}, those of the unfinished run: delete {self.checkpoints.path} to "
                f"start over. Received: {epochs}"
            )
        self.vae = vae
        say(f"Resuming after epoch {done} of {epochs}")

    def _stopping(self):
        """End the training early where that is asked for."""
        if self.settings.patience is None:
            return []
        return [keras.callbacks.EarlyStopping(self.monitor, mode="max", patience=self.settings.patience)]

    @property
    def monitor(self):
        """What the best epoch has most of."""
        return "val_iwelbo" if self.settings.objective == "iwelbo" else "val_elbo"

    def _fit(self, callbacks):
        if self.checkpoints.epochs < self.settings.epochs and not self.checkpoints.is_stopped:
            self.vae.fit(
                self.train_data,
                validation_data=self.test_data,
                epochs=self.settings.epochs,
                initial_epoch=self.checkpoints.epochs,
                verbose=0,
                callbacks=[*callbacks, HeedSignals()],
            )

    def _rehearse(self, path):
        """Save the model and draw a picture, and so find what would be found when training has ended."""
        free, needed = shutil.disk_usage(path.parent).free, 4 * _bytes(self.vae)
        if free < needed:
            raise OSError(errno.ENOSPC, f"{free / 1e6:,.0f} MB are free, and about {needed / 1e6:,.0f} are needed")
        kv.plots.history({"loss": [1.0]}).savefig(path, format="png")
        self.vae.save(path)

    def _finish(self, directory, speed):
        last, epoch = self.checkpoints.epochs, self.checkpoints.epochs
        if last < self.settings.epochs:
            patience = counted(self.settings.patience, "epoch")
            say(f"Stopped after epoch {last} of {self.settings.epochs}: no better test elbo for {patience}")
        if self.settings.keep == "best":
            epoch = self.checkpoints.best
            self.vae = self.checkpoints.load_best()
            say(f"Keeping the model of epoch {epoch}, the best one on the test images")
        elif self.strategy.num_replicas_in_sync > 1:
            self.vae = kv.load_model(self.checkpoints.path)  # on one device, as whoever uses it will have it
        results, why = self.checkpoints.results(epoch), ""
        if self.settings.scale == "optimal":
            say("Setting the scale to its optimum on all training images")
            self.train_data.epoch.assign(self.settings.epochs)  # the same order after a resumption
            self.vae.calibrate(self.train_data)
            heed()
            why = f", now with that scale; in the table {results['elbo']:.2f}, with a running average of the scale"
            results = self.vae.evaluate(self.test_data, verbose=0, return_dict=True, callbacks=[HeedSignals()])
        if not all(math.isfinite(value) for value in results.values()):
            raise FloatingPointError(f"the test loss must be finite: try a lower --learning-rate. Received: {results}")

        say("Saving the model and its pictures")
        self.vae.save(directory / "model.keras")
        metrics = self._metrics(results, epoch, speed.images_per_second)
        with kv.core.atomic_write(directory / "metrics.json") as aside:
            aside.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
        heed()
        self._draw(directory)
        if "iwelbo" in results:
            say(f"Test iwelbo {results['iwelbo']:.2f} nats per image, {counted(self.settings.num_samples, 'sample')}")
        say(
            f"Test elbo {results['elbo']:.2f} nats per image: reconstruction_loss "
            f"{results['reconstruction_loss']:.2f}, kl_loss {results['kl_loss']:.2f}{why}"
        )
        if speed.images_per_second:
            say(f"Trained at {speed.images_per_second:,.0f} images/s")

    def _announcement(self):
        settings = self.settings
        size = " x ".join(map(str, self.data.event_shape))
        epochs, images = counted(settings.epochs, "epoch"), counted(self.data.num_train, "image")
        weights = sum(math.prod(variable.shape) for variable in self.vae.trainable_variables)
        lines = (
            f"Training on {images} of {size}, {epochs}, on the {_device()}",
            f"{settings.architecture}, {counted(settings.latent_dim, 'latent dimension')}, {weights:,} weights",
            f"Likelihood {settings.likelihood}, prior {settings.prior}, objective {settings.objective}",
            *self._classes_in_words(),
            f"Observations {values_in_words(settings)['train']}",
            *self._steps_in_words(),
            *self._devices_in_words(),
        )
        return "\n".join(lines)

    def _steps_in_words(self):
        """Say where a training is so short that it comes to little."""
        steps = self.data.steps_per_epoch
        total = steps * self.settings.epochs
        if total < _FEW_STEPS:
            yield (
                f"{counted(steps, 'step')} an epoch with --batch-size {self.settings.batch_size}, {total:,} in all: a "
                f"model usually needs thousands; --epochs {-(-_FEW_STEPS // steps)} makes the first {_FEW_STEPS:,}"
            )

    def _classes_in_words(self):
        if self.data.class_names:
            yield f"Given the class of each image, one of {len(self.data.class_names)}"

    def _devices_in_words(self):
        replicas, gpus = self.strategy.num_replicas_in_sync, len(tf.config.list_physical_devices("GPU"))
        if self.cluster:
            yield f"{len(self.cluster.addresses)} workers; each trains on its share of every batch, {replicas} shares"
        elif replicas > 1:
            yield f"{replicas} devices of this machine; each trains on its share of every batch"
        elif gpus > 1:
            yield f"{gpus} GPUs are there and one of them is used; --strategy mirrored takes all"
        if self.settings.precision != "float32":
            yield f"Precision {self.settings.precision}"

    def _metrics(self, results, epoch, images_per_second):
        settings = self.settings
        return {
            **{name: float(value) for name, value in results.items()},
            "units": "nats per image, averaged over the test set",
            "dataset": settings.dataset,
            "num_train": self.data.num_train,
            "num_test": self.data.num_test,
            "binarization": values_in_words(settings),
            "epochs": self.checkpoints.epochs,
            "kept_epoch": epoch,
            "seed": settings.seed,
            "images_per_second": images_per_second and round(images_per_second, 1),
            "device": _device(),
            "workers": len(self.cluster.addresses) if self.cluster else 1,
            "replicas": self.strategy.num_replicas_in_sync,
            "settings": {name: value for name, value in dataclasses.asdict(settings).items() if value is not None},
            "versions": versions(),
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }

    def _draw(self, directory):
        likelihood, name = self.vae.likelihood, pathlib.Path(self.settings.dataset).name
        images, labels, class_names = self.data.shown()
        x = self.data.observed(likelihood, images)
        rows = examples(labels, len(images))
        everything = {"x": x} if self.vae.condition is None else {"x": x, "condition": labels}
        figures = {
            "reconstructions": kv.plots.reconstructions(
                images[rows],
                grey_values(
                    likelihood, self.vae.reconstruct({name: values[rows] for name, values in everything.items()})
                ),
                inputs=None if self.settings.binarize == "none" else x[rows],
                title=f"{name}, test images",
            ),
            "samples": kv.plots.samples(
                self._samples(likelihood),
                title=f"{name}: means of p(x|z), z drawn from the prior",
            ),
            "latent": kv.plots.latent_scatter(
                self.vae.encode(everything),
                labels,
                class_names,
                title=f"{name}: posterior means of {len(images):,} test images",
            ),
            "loss": kv.plots.history(directory / "history.csv", title=f"{name}, validation on the test set"),
        }
        for file_name, figure in figures.items():
            with kv.core.atomic_write(directory / f"{file_name}.png") as aside:
                figure.savefig(aside)
            heed()

    def _samples(self, likelihood):
        """Generate images; by class, the same codes in each, where the model is given the class."""
        if not self.data.class_names:
            return grey_values(likelihood, self.vae.generate(_NUM_SAMPLES, seed=self.settings.seed))
        return {
            name: grey_values(likelihood, self.vae.generate(_NUM_OF_CLASS, condition=name, seed=self.settings.seed))
            for name in self.data.class_names[:_MOST_CLASSES]
        }


def prepare(settings, *, fallback_to_digits=False, strategy="none", cluster=None, started=lambda: None):
    """Load the data and build the model, and so find what is wrong with the settings before anything is trained.

    `started` is called when TensorFlow has started, on all machines.
    """
    strategy = make_strategy(strategy, cluster)
    started()
    if settings.patience is not None and cluster is not None:
        raise ValueError(
            "`--patience` must be left out with several workers, which would not all stop at once. "
            f"Received: {settings.patience}"
        )
    _check_batch(settings, strategy)
    try:
        data = load_training_data(settings)
    except kv.data.DataNotFoundError as error:
        if not fallback_to_digits:
            raise
        # They are few: with the epochs of a large set the model would hardly have begun to learn.
        settings = dataclasses.replace(settings, dataset="digits", epochs=10 * settings.epochs)
        say(f"{error} Continuing with scikit-learn's digits, for {settings.epochs} epochs.")
        data = load_training_data(settings)
    _check_batch(data.settings, strategy)
    return TrainingRun(data.settings, data, strategy, cluster)


def _check_batch(settings, strategy):
    if settings.batch_size is not None and settings.batch_size < strategy.num_replicas_in_sync:
        raise ValueError(
            f"`--batch-size` must be at least {strategy.num_replicas_in_sync}, an image for each device. "
            f"Received: {settings.batch_size}"
        )


@contextlib.contextmanager
def log_lines():
    """Show what the package logs as plain lines on standard output."""
    logger = logging.getLogger("keras_vae")
    handler = logging.StreamHandler(sys.stdout)
    handler.format = lambda record: folded(record.getMessage())
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _bytes(vae):
    """Return what a saved model takes on the disk, about."""
    return sum(math.prod(variable.shape) * 4 for variable in (*vae.variables, *vae.optimizer.variables))


def _device():
    gpus = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU") if gpus else "CPU"
