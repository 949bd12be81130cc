"""The protocol that the published tables share: data, training with warm-up and early stopping, evidence, rows."""

import contextlib
import dataclasses
import datetime
import importlib.metadata
import json
import os
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


class Progress(keras.callbacks.Callback):
    """Print a line an epoch, and count the seconds of all stretches of a run.

    Parameters
    ----------
    stopping : keras.callbacks.EarlyStopping
        Which knows what is monitored and the best epoch, and runs before.
    """

    def __init__(self, stopping):
        super().__init__()
        self.stopping, self.seconds, self.clock = stopping, 0.0, None

    def get_state(self):
        """Return what a resumed run continues from."""
        return {"seconds": self.seconds}

    def set_state(self, state):
        """Go on from there."""
        self.seconds = state["seconds"]

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock."""
        self.clock = self.clock or time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        """Count and print."""
        now, monitor = time.perf_counter(), self.stopping.monitor
        self.seconds, self.clock = self.seconds + now - self.clock, now
        print(
            f"epoch {epoch + 1}: elbo {logs['elbo']:.2f}, {monitor} {logs[monitor]:.3f}, "
            f"best {self.stopping.best or 0:.3f} (epoch {self.stopping.best_epoch + 1}), "
            f"beta {logs.get('beta', 1.0):.2f}, {self.seconds:.0f} s",
            flush=True,
        )


def train(
    make,
    data,
    *,
    directory,
    seed,
    batch_size,
    epochs,
    warm_up,
    compile_options,
    patience=None,
    monitor="val_elbo",
    keep="best",
):
    """Train until validation stops improving, or resume a run that was cut, and return the model to evaluate.

    Parameters
    ----------
    make : callable
        Makes the model, not yet compiled.
    data : Split
        The data.
    directory : pathlib.Path
        Where the run's checkpoints are kept.
    seed, batch_size, epochs, warm_up : int
        Of the protocol; the last two in epochs.
    compile_options : dict
        For `compile`.
    patience : int, optional
        Training stops after so many epochs without a better bound; by default nothing stops it.
    monitor : str
        The bound on the validation images by which an epoch is the best.
    keep : {"best", "last"}
        Which epoch's weights are returned.

    Returns
    -------
    vae : keras_vae.models.LatentVariableModel
        With these weights.
    state : dict
        "epoch" and "best_epoch", counted from 1, "best", the monitored bound in that epoch, and "seconds".
    """
    first = max(0, warm_up - 1)
    checkpoint = kv.callbacks.Checkpoint(directory, monitor=monitor, start_from_epoch=first)
    vae = checkpoint.restore()
    if vae is None:
        keras.utils.set_random_seed(seed)
        vae = make()
        vae.compile(**compile_options)
    else:
        print(f"resuming after epoch {checkpoint.epoch}", flush=True)
    stopping = keras.callbacks.EarlyStopping(monitor, mode="max", patience=patience or epochs, start_from_epoch=first)
    progress = Progress(stopping)
    batches = kv.data.pipeline(data.train, batch_size=batch_size, shuffle=True, binarize="dynamic", seed=seed)
    vae.fit(
        batches,
        validation_data=kv.data.pipeline(data.validation, batch_size=500),
        epochs=epochs,
        verbose=0,
        callbacks=[stopping, progress, checkpoint],
    )
    best = checkpoint.best
    state = {"epoch": checkpoint.epoch, "best_epoch": best["epoch"] + 1, "best": best["value"]}
    return checkpoint.load_best() if keep == "best" else vae, {**state, "seconds": progress.seconds}


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
    # Where something lay on one machine helps nobody on another.
    words = [pathlib.Path(word).name if os.path.isabs(word) else word for word in sys.argv[1:]]
    command = shlex.join(["python", f"benchmarks/{script.name}", *words])
    versions = {name: importlib.metadata.version(name) for name in names} | {"python": platform.python_version()}
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    rows.append({**row, "command": command, "versions": versions, "date": now})
    path.parent.mkdir(parents=True, exist_ok=True)
    with kv.core.atomic_write(path) as aside:
        aside.write_text(json.dumps(rows, indent=1) + "\n")
    return rows[-1]


def machine():
    """Return what the times depend on."""
    model = "unknown"
    with contextlib.suppress(OSError):
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    return {"cpu": model, "cores": len(os.sched_getaffinity(0)), "load_before": [round(x, 2) for x in os.getloadavg()]}
