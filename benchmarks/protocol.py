"""The protocol that the published tables share: data, training with warm-up and early stopping, evidence, rows."""

import dataclasses
import datetime
import importlib.metadata
import json
import pathlib
import platform
import shlex
import sys
import time

import keras
import numpy as np

import keras_vae as kv


@dataclasses.dataclass(frozen=True)
class Split:
    """Data as the protocol wants them.

    Attributes
    ----------
    train : numpy.ndarray
        Grey images uint8 [n, h, w, 1], to be binarized afresh in each epoch.
    validation, test : numpy.ndarray
        Binary images float32 [n, h, w, 1], drawn once.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(name, *, num_validation=10_000, keep_validation=False):
    """Split a data set and binarize what is evaluated, exactly as the published code does.

    The last `num_validation` training images are for validation, and with `keep_validation` for training as well.
    Validation and test are drawn once, in that order, from NumPy's legacy generator with seed 777.
    """
    train, test = kv.data.load(name)
    images, held_out = train.images[:-num_validation], train.images[-num_validation:]
    generator = np.random.RandomState(777)
    binary = [
        generator.binomial(1, (part.reshape(len(part), -1) / 255.0).astype("float32")).reshape(part.shape)
        for part in (held_out, test.images)
    ]
    return Split(train.images if keep_validation else images, *(part.astype("float32") for part in binary))


class Resumable(keras.callbacks.Callback):
    """Early stopping on the validation elbo, whose state and model survive a cut after any epoch.

    Parameters
    ----------
    directory : pathlib.Path
        Where `last.keras`, `best.weights.h5` and `state.json` are kept.
    patience : int
        Epochs without a better elbo after which training stops.
    start : int
        Epochs before any count: the warm-up of beta.
    """

    def __init__(self, directory, *, patience, start):
        super().__init__()
        self.directory, self.patience, self.start = pathlib.Path(directory), patience, start
        self.state = {"epoch": 0, "best_elbo": None, "best_epoch": 0, "wait": 0, "seconds": 0.0, "done": False}
        self.clock = None

    @property
    def last(self):
        """The model of the last epoch, with its optimizer."""
        return self.directory / "last.keras"

    @property
    def best(self):
        """The weights of the best epoch."""
        return self.directory / "best.weights.h5"

    def restore(self):
        """Return the model of the last epoch, None if there is none."""
        path = self.directory / "state.json"
        if not path.exists():
            self.directory.mkdir(parents=True, exist_ok=True)
            return None
        self.state = json.loads(path.read_text())
        return keras.models.load_model(self.last)

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock."""
        self.clock = self.clock or time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        """Count, stop and save."""
        state, elbo = self.state, float(logs["val_elbo"])
        state["epoch"] = epoch + 1
        if not np.isfinite(elbo):
            raise FloatingPointError(f"val_elbo is {elbo} in epoch {epoch + 1}")
        if epoch + 1 >= self.start:
            if state["best_elbo"] is None or elbo > state["best_elbo"]:
                state.update(best_elbo=elbo, best_epoch=epoch + 1, wait=0)
                self.model.save_weights(self.best)
            else:
                state["wait"] += 1
        now = time.perf_counter()
        state["seconds"] += now - self.clock
        self.clock = now
        state["done"] = state["wait"] >= self.patience
        self.model.stop_training = state["done"]
        self.model.save(self.last)
        with kv.core.atomic_write(self.directory / "state.json") as aside:
            aside.write_text(json.dumps(state))
        print(
            f"epoch {epoch + 1}: elbo {logs['elbo']:.2f}, val_elbo {elbo:.3f}, best {state['best_elbo'] or 0:.3f} "
            f"(epoch {state['best_epoch']}), beta {logs.get('beta', 1.0):.2f}, {state['seconds']:.0f} s",
            flush=True,
        )


def train(make, data, *, directory, seed, batch_size, epochs, patience, warm_up, compile_options, keep="best"):
    """Train until validation stops improving, or go on with a run that was cut, and return the model to evaluate.

    Parameters
    ----------
    make : callable
        Makes the model, not yet compiled.
    data : Split
        The data.
    directory : pathlib.Path
        Where the run's state is kept.
    seed, batch_size, epochs, patience, warm_up : int
        Of the protocol; the last three in epochs.
    compile_options : dict
        For `compile`.
    keep : {"best", "last"}
        Which epoch's weights are returned.

    Returns
    -------
    vae : keras_vae.models.LatentVariableModel
        With these weights.
    state : dict
        Of `Resumable`.
    """
    progress = Resumable(directory, patience=patience, start=warm_up)
    vae = progress.restore()
    if vae is None:
        keras.utils.set_random_seed(seed)
        vae = make()
        vae.compile(**compile_options)
    else:
        print(f"going on after epoch {progress.state['epoch']}", flush=True)
    if not progress.state["done"] and progress.state["epoch"] < epochs:
        vae.fit(
            kv.data.pipeline(data.train, batch_size=batch_size, shuffle=True, binarize="dynamic", seed=seed),
            validation_data=kv.data.pipeline(data.validation, batch_size=500),
            epochs=epochs,
            initial_epoch=progress.state["epoch"],
            verbose=0,
            callbacks=[progress],
        )
    if keep == "best":
        vae.load_weights(progress.best)
    return vae, progress.state


def evaluate(vae, test, *, num_samples, seed):
    """Return the test set's log evidence by importance sampling, its standard error over images, and the elbo."""
    values = kv.evaluation.log_evidence(vae, test, num_samples, seed=seed, progress=True)
    elbo = vae.evaluate(test, batch_size=500, return_dict=True, verbose=0)["elbo"]
    return {
        "test_log_evidence": float(values.mean()),
        "standard_error": float(values.std(ddof=1) / np.sqrt(len(values))),
        "test_elbo": float(elbo),
        "num_samples": num_samples,
        "num_test": len(test),
    }


def append_row(path, row):
    """Add a row to a JSON list of results, with the command, the versions and the date."""
    path = pathlib.Path(path)
    rows = json.loads(path.read_text()) if path.exists() else []
    names = ("keras-vae", "tensorflow", "keras", "tensorflow-probability", "numpy")
    script = pathlib.Path(sys.argv[0])
    command = shlex.join(["python", f"benchmarks/{script.name}", *sys.argv[1:]])
    versions = {name: importlib.metadata.version(name) for name in names} | {"python": platform.python_version()}
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    rows.append({**row, "command": command, "versions": versions, "date": now})
    path.parent.mkdir(parents=True, exist_ok=True)
    with kv.core.atomic_write(path) as aside:
        aside.write_text(json.dumps(rows, indent=1) + "\n")
    return rows[-1]
