"""A run that was cut goes on as if it had not been, and nothing is written over by mistake."""

import contextlib
import json
import logging
import shutil
import zipfile

import keras
import numpy as np
import pytest

import keras_vae as kv
from tests.again import Again
from tests.models.conftest import binary, small_vae

X = binary(40)
GREY = np.linspace(0.0, 1.0, 40 * 6, dtype="float32").reshape(40, 6)


class Cut(keras.callbacks.Callback):
    """Ends a run in the middle of an epoch, as a signal would."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch and batch == 1:
            raise KeyboardInterrupt

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch


class Counter(keras.callbacks.Callback):
    """A user's own callback, which keeps numbers and arrays."""

    def __init__(self):
        super().__init__()
        self.sums, self.last = [], np.zeros(2)

    def on_epoch_end(self, epoch, logs=None):
        self.sums.append(logs["loss"])
        self.last = np.array([epoch, logs["loss"]])

    def get_state(self):
        return {"sums": self.sums, "last": self.last}

    def set_state(self, state):
        self.sums, self.last = state["sums"], state["last"]


def model():
    """Every kind of state: dropout's stream, moving averages, a schedule, an optimal scale, Adam's moments."""
    keras.utils.set_random_seed(12)  # a run that lowers its learning rate and stops before its end
    vae = small_vae(
        encoder=keras.Sequential(
            [keras.layers.Dense(9, activation="tanh"), keras.layers.BatchNormalization(), keras.layers.Dropout(0.2)]
        ),
        likelihood=kv.likelihoods.Gaussian((6,), scale="optimal"),
        objective=kv.objectives.ELBO(kv.schedules.LinearSchedule(0.0, 1.0, steps=20)),
    )
    vae.compile(keras.optimizers.AdamW(0.1))
    return vae


def train(checkpoint, *, vae=None, epochs=9, cut=None, patience=1):
    """Train with callbacks that count, in an order in which the checkpoint comes first."""
    vae = vae or model()
    data = [kv.data.pipeline(GREY, batch_size=8, shuffle=True, binarize="dynamic", seed=seed) for seed in (1, 2)]
    counter = Counter()
    callbacks = [
        *([checkpoint] if checkpoint else []),
        keras.callbacks.EarlyStopping("val_elbo", mode="max", patience=patience, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1),
        counter,
        *([Cut(cut)] if cut is not None else []),
    ]
    history = vae.fit(data[0], validation_data=data[1], epochs=epochs, callbacks=callbacks, verbose=0)
    return vae, history, counter


@contextlib.contextmanager
def rewound(again):
    """Return a model as it was before training, and put back afterwards what training made of it."""
    end = Again(again.model)
    yield again()
    end()


@pytest.fixture(scope="module")
def repeatable():
    return Again(model())


@pytest.fixture(scope="module")
def uncut(repeatable):
    return train(None, vae=repeatable())


@pytest.fixture(scope="module")
def whole_run(repeatable, uncut, tmp_path_factory):
    """The directory of a run that came to its end."""
    directory = tmp_path_factory.mktemp("whole")
    with rewound(repeatable) as vae:
        train(kv.callbacks.Checkpoint(directory), vae=vae)
    return directory


@pytest.fixture
def whole(whole_run, tmp_path):
    return shutil.copytree(whole_run, tmp_path / "whole")


def assert_equal_runs(run, other):
    for one, two in zip(run[0].get_weights(), other[0].get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    for one, two in zip(run[0].optimizer.variables, other[0].optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, two)
    assert run[1].history == other[1].history
    assert run[1].epoch == other[1].epoch
    assert run[2].sums == other[2].sums
    np.testing.assert_array_equal(run[2].last, other[2].last)


def test_the_uncut_run_stops_early_and_lowers_its_learning_rate(uncut):
    _, history, _ = uncut
    assert 5 < len(history.epoch) < 9
    assert history.history["learning_rate"][-1] < 0.1


def test_a_run_that_was_cut_twice_ends_as_the_uncut_one_bit_for_bit(repeatable, uncut, tmp_path):
    checkpoint = kv.callbacks.Checkpoint(tmp_path)
    assert checkpoint.restore() is None
    with rewound(repeatable) as vae, pytest.raises(KeyboardInterrupt):
        train(checkpoint, vae=vae, cut=1)
    checkpoint = kv.callbacks.Checkpoint(tmp_path)
    vae = checkpoint.restore()
    with pytest.raises(KeyboardInterrupt):
        train(checkpoint, vae=vae, cut=5)
    checkpoint = kv.callbacks.Checkpoint(tmp_path)
    vae = checkpoint.restore()
    assert checkpoint.epoch == 5
    assert_equal_runs(train(checkpoint, vae=vae), uncut)
    assert checkpoint.history == uncut[1].history


def test_a_run_that_stopped_early_trains_no_more_and_ends_with_its_best_weights(uncut, whole):
    checkpoint = kv.callbacks.Checkpoint(whole)
    vae = checkpoint.restore()
    before = int(vae.optimizer.iterations)
    run = train(checkpoint, vae=vae, epochs=50)
    assert int(vae.optimizer.iterations) == before
    assert_equal_runs(run, uncut)


@pytest.mark.soak
def test_with_more_patience_a_run_that_stopped_early_goes_on(uncut, whole):
    checkpoint = kv.callbacks.Checkpoint(whole)
    vae = checkpoint.restore()
    _, history, _ = train(checkpoint, vae=vae, epochs=len(uncut[1].epoch) + 1, patience=5)
    assert len(history.epoch) == len(uncut[1].epoch) + 1


def test_the_best_epoch_is_kept_beside_the_last_one(uncut, whole):
    checkpoint = kv.callbacks.Checkpoint(whole)
    last = checkpoint.restore()
    elbos = uncut[1].history["val_elbo"]
    assert checkpoint.best == {"monitor": "val_elbo", "value": max(elbos), "epoch": int(np.argmax(elbos))}
    for one, two in zip(checkpoint.load_best().get_weights(), uncut[0].get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)  # early stopping put the best weights back
    assert int(last.optimizer.iterations) == 5 * len(elbos)
    assert sorted(path.name for path in whole.iterdir()) == ["best.keras", "last.keras"]


def fitted(directory, epochs=3, **settings):
    checkpoint = kv.callbacks.Checkpoint(directory, **settings)
    vae = small_vae()
    vae.compile(keras.optimizers.SGD(0.01), run_eagerly=True)
    vae.fit(X, epochs=epochs, callbacks=[checkpoint], verbose=0)
    return checkpoint


@pytest.fixture(scope="module")
def short_run(tmp_path_factory):
    """The directory of a run of three epochs without other callbacks."""
    directory = tmp_path_factory.mktemp("short")
    fitted(directory)
    return directory


@pytest.fixture
def short(short_run, tmp_path):
    return shutil.copytree(short_run, tmp_path / "short")


def test_less_of_a_loss_is_better_and_early_epochs_can_be_left_out(tmp_path):
    checkpoint = fitted(tmp_path / "loss", monitor="loss")
    assert checkpoint.best["value"] == min(checkpoint.history["loss"])
    checkpoint = fitted(tmp_path / "late", monitor="kl_loss", mode="max", start_from_epoch=2)
    assert checkpoint.best == {"monitor": "kl_loss", "value": checkpoint.history["kl_loss"][2], "epoch": 2}


def test_the_last_epoch_is_saved_whatever_the_interval(tmp_path):
    checkpoint = fitted(tmp_path, every_n_epochs=100, monitor="kl_loss", mode="max", start_from_epoch=100)
    assert checkpoint.epoch == 3
    assert kv.callbacks.Checkpoint(tmp_path).restore() is not None


def test_a_second_fit_goes_on_where_the_first_one_ended(tmp_path):
    checkpoint = fitted(tmp_path)
    vae = checkpoint.restore()
    history = vae.fit(X, epochs=5, callbacks=[checkpoint], verbose=0)
    assert history.epoch == [0, 1, 2, 3, 4]
    assert len(history.history["loss"]) == 5


def test_a_run_that_was_not_restored_is_not_written_over(short):
    content = (short / "last.keras").read_bytes()
    with pytest.raises(ValueError, match=r"`directory` must hold no run that was not restored: call `restore\(\)`"):
        fitted(short)
    assert (short / "last.keras").read_bytes() == content
    assert fitted(short, epochs=1, overwrite=True).epoch == 1


def test_another_initial_epoch_is_refused(short):
    checkpoint = kv.callbacks.Checkpoint(short)
    vae = checkpoint.restore()
    with pytest.raises(ValueError, match="`initial_epoch` must be 3, where the checkpoint left off.* Received: .*=1"):
        vae.fit(X, epochs=5, initial_epoch=1, callbacks=[checkpoint], verbose=0)
    vae.fit(X, epochs=4, initial_epoch=checkpoint.epoch, callbacks=[checkpoint], verbose=0)
    assert checkpoint.epoch == 4


def test_monitors_that_are_unknown_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"`mode` must be \"min\" or \"max\" for this monitor. Received: .*'quality'"):
        kv.callbacks.Checkpoint(tmp_path, monitor="quality")
    with pytest.raises(ValueError, match=r"`monitor` must be one of \['elbo', .* Received: monitor='her_elbo'"):
        fitted(tmp_path, monitor="her_elbo")
    with pytest.raises(ValueError, match="`validation_data` must be given for a checkpoint with monitor='val_elbo'"):
        fitted(tmp_path, monitor="val_elbo")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("monitor", [None, "val_elbo"])
def test_epochs_without_validation_are_not_compared_with_those_that_have_one(monitor, tmp_path):
    validated = {"validation_data": X, "validation_freq": 2, "verbose": 0}
    vae = small_vae()
    vae.compile(keras.optimizers.SGD(0.05), run_eagerly=True)
    first = kv.callbacks.Checkpoint(tmp_path, monitor=monitor)
    vae.fit(X, epochs=3, callbacks=[first], **validated)
    checkpoint = kv.callbacks.Checkpoint(tmp_path, monitor=monitor)
    history = checkpoint.restore().fit(X, epochs=6, callbacks=[checkpoint], **validated).history
    assert [len(history[name]) for name in ("elbo", "val_elbo")] == [6, 3]
    best = int(np.argmax(history["val_elbo"]))
    assert checkpoint.best == {"monitor": "val_elbo", "value": history["val_elbo"][best], "epoch": 2 * best + 1}


@pytest.mark.parametrize("steps", [3, 7])
def test_epochs_of_any_number_of_steps_go_on_within_a_pass(steps, tmp_path):
    def trained(directory, epochs):
        checkpoint = kv.callbacks.Checkpoint(directory)
        vae = checkpoint.restore()
        if vae is None:
            keras.utils.set_random_seed(0)
            vae = small_vae()
            vae.compile(keras.optimizers.SGD(0.05), run_eagerly=True)
        vae.fit(X, batch_size=8, steps_per_epoch=steps, epochs=epochs, callbacks=[checkpoint], verbose=0)
        return vae

    uncut = trained(tmp_path / "uncut", 4)
    trained(tmp_path / "cut", 2)
    for one, other in zip(uncut.get_weights(), trained(tmp_path / "cut", 4).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_each_pass_has_an_order_of_its_own_whatever_an_epoch_is():
    class Seen(keras.layers.Dense):
        def call(self, inputs):
            if inputs.shape[0] == 8:  # a batch, and nothing else
                batches.append(np.asarray(inputs)[:, 0])
            return super().call(inputs)

    batches = []
    vae = small_vae((1,), encoder=Seen(3), likelihood=kv.likelihoods.Gaussian((1,)))
    vae.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    rows = np.arange(16, dtype="float32")[:, None]
    vae.fit(rows, batch_size=8, steps_per_epoch=4, epochs=3, verbose=0)
    passes = np.reshape(batches, [6, 16])
    assert (np.sort(passes, axis=1) == rows[:, 0]).all()
    assert len({tuple(one) for one in passes}) == 6


def test_broken_files_and_files_of_others_are_refused_by_name(short):
    path = short / "last.keras"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"must be a `.keras` file that `save` wrote. Received: .*last.keras"):
        kv.callbacks.Checkpoint(short).restore()
    small_vae().save(path)
    with pytest.raises(ValueError, match=r"A checkpoint must hold the state of its run. .*last.keras', a model alone"):
        kv.callbacks.Checkpoint(short).restore()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("training_state.json", json.dumps({"version": 99, "state": {}}))
    with pytest.raises(ValueError, match=r"version must be <= 1 .* Received: .*, version 99"):
        kv.callbacks.Checkpoint(short).restore()


def test_leftovers_of_a_killed_process_are_removed(tmp_path):
    (tmp_path / ".last.keras.4711.partial.keras").write_text("half")
    (tmp_path / ".other.keras.4711.partial.keras").write_text("not ours")
    fitted(tmp_path, epochs=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".other.keras.4711.partial.keras",
        "best.keras",
        "last.keras",
    ]


def test_a_state_that_no_callback_takes_is_told(whole, caplog):
    checkpoint = kv.callbacks.Checkpoint(whole)
    vae = checkpoint.restore()
    with caplog.at_level(logging.WARNING, "keras_vae"):
        vae.fit(GREY, epochs=checkpoint.epoch, callbacks=[checkpoint], verbose=0)
    assert "holds the state of a callback EarlyStopping, and this run has none" in caplog.text


def test_keras_best_only_checkpoint_remembers_its_best(tmp_path):
    def run(vae, checkpoint, epochs):
        only_best = keras.callbacks.ModelCheckpoint(tmp_path / "kept.keras", monitor="loss", save_best_only=True)
        vae.fit(X, epochs=epochs, callbacks=[checkpoint, only_best], verbose=0)
        return only_best

    vae = small_vae()
    vae.compile("adam", run_eagerly=True)
    first = run(vae, kv.callbacks.Checkpoint(tmp_path / "run"), 2)
    checkpoint = kv.callbacks.Checkpoint(tmp_path / "run")
    assert run(checkpoint.restore(), checkpoint, 2).best == first.best  # no epoch is left
