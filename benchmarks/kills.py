"""kill -9 at random moments of a training, again and again: does the resumed run end as the one that was never cut?

One process imports the package and forks a child for each stretch of training; it runs no TensorFlow itself, so that
forking is safe. A child restores the last checkpoint, trains, and is killed after a random time. When a run comes to
its end, its weights, its optimizer and its history must equal, bit for bit, those of a run that was never killed; then
another run begins, until there were as many kills as asked for.

    python benchmarks/kills.py --kills 100
"""

import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import protocol

import keras_vae as kv

HERE = pathlib.Path(__file__).parent
MODEL = (
    "200 digits for training and 100 for validation, binarized afresh in each epoch; 64-32-8 and back with batch "
    "normalisation and dropout, AdamW, beta growing over 20 steps; EarlyStopping with restore_best_weights and "
    "ReduceLROnPlateau; a checkpoint each epoch"
)
BATCH_SIZE = 50


class Reports(keras.callbacks.Callback):
    """Reports to the parent when training begins and when an epoch was saved, after the checkpoint."""

    def __init__(self, checkpoint, tell):
        super().__init__()
        self.checkpoint, self.tell, self.began = checkpoint, tell, False

    def on_epoch_begin(self, epoch, logs=None):
        """The epoch before this one is saved."""
        if not self.began:
            self.tell(began=self.checkpoint.epoch)
            self.began = True
        self.tell(saved=self.checkpoint.epoch)


def make():
    """Make the model, the same one each time."""
    keras.utils.set_random_seed(7)
    vae = kv.VAE(
        encoder=keras.Sequential(
            [
                keras.layers.Flatten(),
                keras.layers.Dense(32, activation="relu"),
                keras.layers.BatchNormalization(),
                keras.layers.Dropout(0.1),
            ]
        ),
        posterior=kv.posteriors.DiagonalGaussian(8),
        decoder=kv.networks.MLPDecoder((32,)),
        likelihood=kv.likelihoods.Bernoulli((8, 8, 1)),
        objective=kv.objectives.ELBO(kv.schedules.LinearSchedule(0.0, 1.0, steps=20)),
        seed=7,
    )
    vae.compile(keras.optimizers.AdamW(0.01))
    return vae


def train(directory, images, epochs, tell):
    """Train to the end, from the last checkpoint if there is one, and return a digest of all that came of it."""
    checkpoint = kv.callbacks.Checkpoint(directory)
    vae = checkpoint.restore() or make()
    data = [
        kv.data.pipeline(part, batch_size=BATCH_SIZE, shuffle=True, binarize="dynamic", seed=seed)
        for seed, part in enumerate((images[:200], images[200:300]))
    ]
    callbacks = [
        checkpoint,
        keras.callbacks.EarlyStopping("val_elbo", mode="max", patience=3, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1),
        Reports(checkpoint, tell),
    ]
    history = vae.fit(data[0], validation_data=data[1], epochs=epochs, callbacks=callbacks, verbose=0).history
    digest = hashlib.sha256(json.dumps(history, sort_keys=True).encode())
    for variable in (*vae.weights, *vae.optimizer.variables):
        digest.update(variable.numpy().tobytes())
    return {"digest": digest.hexdigest(), "epochs": len(history["loss"]), "steps": int(vae.optimizer.iterations)}


def child(directory, images, epochs, pipe):
    """Train in this process, report to the parent, and exit without returning."""

    def tell(**what):
        os.write(pipe, json.dumps(what).encode() + b"\n")

    try:
        tell(result=train(directory, images, epochs, tell))
        os._exit(0)
    except BaseException:
        tell(error=traceback.format_exc())
        os._exit(1)


def stretch(directory, images, epochs, seconds=None):
    """Fork a child, kill it some seconds after its training began, and return what it reported.

    Parameters
    ----------
    directory : pathlib.Path
        Of the run.
    images : numpy.ndarray
        The data.
    epochs : int
        Where training ends.
    seconds : float, optional
        When to kill it; never by default.

    Returns
    -------
    dict
        "began", "saved" and "result", as far as it came, "seconds" of training, and whether it was "killed".
    """
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reader)
        child(directory, images, epochs, writer)
    os.close(writer)
    told = {"killed": False}
    with os.fdopen(reader) as lines:
        first = lines.readline()
        began = time.monotonic()
        if seconds is not None and "began" in first:
            time.sleep(seconds)
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        for line in (first, *lines):
            told.update(json.loads(line))
    _, status = os.waitpid(process, 0)
    told.update(killed=os.WIFSIGNALED(status), seconds=time.monotonic() - began)
    if "error" in told:
        raise RuntimeError(told["error"])
    return told


def kill_again_and_again(work, *, kills, epochs, seed):
    """Kill runs until there were as many kills as asked for.

    Parameters
    ----------
    work : pathlib.Path
        An empty directory.
    kills : int
        How many.
    epochs : int
        Of each run.
    seed : int
        Of the moments.

    Returns
    -------
    dict
        The report.
    """
    images = kv.data.load("digits")[0].images[:300]
    start, moments = time.monotonic(), random.Random(seed)
    uncut = stretch(work / "uncut", images, epochs)
    report = {"kills": 0, "kills_while_writing": 0, "kills_before_the_first_checkpoint": 0, "runs": 0}
    report["epochs_when_killed"] = []
    while report["kills"] < kills:
        directory, saved = work / f"run_{report['runs']}", 0
        while True:
            is_last = report["kills"] >= kills
            seconds = None if is_last else moments.uniform(0.0, 0.5 * uncut["seconds"])
            told = stretch(directory, images, epochs, seconds)
            # A run that was killed after its last epoch has none left to begin.
            restored = told.get("began", epochs)
            # The parent may not have heard of the last one that was saved.
            if restored not in (saved, saved + 1):
                raise RuntimeError(f"epoch {saved} was saved, and {restored} was restored")
            saved = max(restored, told.get("saved", 0))
            if not told["killed"]:
                break
            report["kills"] += 1
            report["kills_while_writing"] += any(directory.glob(".*.partial*"))
            report["kills_before_the_first_checkpoint"] += not (directory / "last.keras").exists()
            report["epochs_when_killed"].append(saved)
        report["runs"] += 1
        if told["result"] != uncut["result"]:
            raise RuntimeError(f"the resumed run ended as {told['result']}, the uncut one as {uncut['result']}")
        if sorted(path.name for path in directory.iterdir()) != ["best.keras", "last.keras"]:
            raise RuntimeError(f"files are left: {sorted(directory.iterdir())}")
        shutil.rmtree(directory)
    return {**report, **uncut["result"], "equal_bit_for_bit": True, "seconds": round(time.monotonic() - start, 1)}


def main(arguments=None):
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "results" / "kills.json")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        report = kill_again_and_again(pathlib.Path(work), kills=options.kills, epochs=options.epochs, seed=options.seed)
    protocol.append_row(options.output, {**report, "seed": options.seed, "model": MODEL})
    print(
        f"{report['kills']} kills in {report['runs']} runs, {report['kills_while_writing']} of them while a checkpoint "
        f"was written: every run ended as the uncut one, bit for bit"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
