"""How training steps are run: what is chosen, that the log says why, and that the user has the last word."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.models.conftest import binary, small_vae
from tests.soaked import soaked

X = binary(160)


class EachBatch(keras.callbacks.Callback):
    """Follows single batches."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(batch)


def fitted(caplog, data=X, *, make=small_vae, callbacks=None, fit=None, **options):
    """Train an epoch with batches of 4, and return the model and what was logged of its execution."""
    vae = make()
    vae.compile("adam", **options)
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="keras_vae"):
        vae.fit(data, batch_size=4, verbose=0, callbacks=callbacks, **(fit or {}))
    return vae, [record.getMessage() for record in caplog.records if "Training steps run" in record.getMessage()]


@pytest.fixture(scope="module")
def wide():
    """A dense model and as much data as XLA is worth its compilation for: 6 operations a weight and example."""
    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder((1024, 1024)),
        posterior=kv.posteriors.DiagonalGaussian(2),
        decoder=kv.networks.MLPDecoder((1024, 1024)),
        likelihood=kv.likelihoods.Bernoulli((1024,)),
        seed=0,
    )
    vae.compile("adam")
    log = logging.getLogger("keras_vae")
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    log.addHandler(handler)
    level, _ = log.level, log.setLevel(logging.INFO)
    try:
        vae.fit(np.zeros([4096, 1024], "float32"), batch_size=128, verbose=0)
    finally:
        log.setLevel(level)
        log.removeHandler(handler)
    return vae, messages


def test_on_a_cpu_dense_layers_and_long_epochs_take_xla(wide):
    vae, messages = wide
    assert vae.jit_compile and vae.steps_per_execution > 1
    (message,) = [message for message in messages if message.startswith("Training steps run")]
    assert message.startswith(f"Training steps run with XLA, {vae.steps_per_execution} steps an execution: ")
    assert "dense layers are faster with XLA" in message


def test_evaluation_does_not_depend_on_the_choice_of_xla(wide):
    vae, _ = wide
    x = np.zeros([8, 1024], "float32")
    chosen = vae.evaluate(x, verbose=0)
    vae.compile("adam", jit_compile=False)
    assert vae.evaluate(x, verbose=0) == chosen


def test_short_epochs_do_without_xla_and_take_several_steps_at_a_time(caplog):
    vae, (message,) = fitted(caplog)
    assert (vae.jit_compile, vae.steps_per_execution) == (False, 4)  # of 40 batches a tenth
    assert message == (
        "Training steps run without XLA, 4 steps an execution: the epochs are too short to earn XLA's compilation "
        "back; Python's share of small steps is saved"
    )
    assert int(vae.optimizer.iterations) == 40


CASES = {
    "convolutions": (
        {
            "make": lambda: kv.VAE(
                encoder=kv.networks.ConvEncoder((2,)),
                posterior=kv.posteriors.DiagonalGaussian(2),
                decoder=kv.networks.ConvDecoder((2,)),
                likelihood=kv.likelihoods.Bernoulli((4, 4, 1)),
            ),
            "data": binary(12, (4, 4, 1)),
        },
        "convolutions are faster without XLA",
    ),
    "noise": (
        {"make": lambda: small_vae(encoder=keras.Sequential([keras.layers.Dense(4), keras.layers.Dropout(0.5)]))},
        "noise of many units",
    ),
    "recurrence": (
        {"make": lambda: small_vae((3, 2), encoder=keras.layers.GRU(3)), "data": binary(12, (3, 2))},
        "GRUCell is not known",
    ),
    "a stranger": (
        {"make": lambda: small_vae(encoder=type("Mine", (keras.layers.Dense,), {})(4))},
        "whether XLA suits Mine is not known",
    ),
    "unknown length": (
        {"data": lambda: tf.data.Dataset.from_tensor_slices(X[:8]).batch(4).filter(lambda x: True)},
        "the number of batches is not known",
    ),
    "eagerly": ({"run_eagerly": True, "data": X[:8]}, "it runs eagerly"),
}


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("case", soaked(CASES, quick=("convolutions", "a stranger", "unknown length", "eagerly")))
def test_the_reason_is_logged(case, caplog):
    settings, reason = CASES[case]
    settings = {name: value() if name == "data" and callable(value) else value for name, value in settings.items()}
    vae, (message,) = fitted(caplog, **settings)
    assert not vae.jit_compile
    assert reason in message


def test_a_callback_that_follows_batches_gets_each_of_them(caplog):
    callback = EachBatch()
    vae, (message,) = fitted(caplog, callbacks=[callback])
    assert vae.steps_per_execution == 1
    assert callback.batches == list(range(40))
    assert message.endswith("EachBatch follows single batches")


def test_callbacks_of_epochs_leave_the_choice_alone(caplog, tmp_path):
    callbacks = [
        keras.callbacks.ModelCheckpoint(str(tmp_path / "best.keras"), monitor="loss"),
        keras.callbacks.EarlyStopping("loss"),
        keras.callbacks.TerminateOnNaN(),
        kv.callbacks.Checkpoint(tmp_path / "run"),
    ]
    vae, _ = fitted(caplog, callbacks=callbacks)
    assert vae.steps_per_execution == 4


def test_a_function_for_each_batch_counts_too(caplog):
    seen = []
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    fitted(caplog, callbacks=[callback])
    assert len(seen) == 40


@pytest.mark.parametrize(("steps", "expected"), soaked([(40, 4), (42, 2), (41, 1)], quick=[(42, 2)]))
def test_an_execution_does_not_go_beyond_the_steps_of_an_epoch(steps, expected, caplog):
    vae, _ = fitted(caplog, fit={"steps_per_epoch": steps})
    assert vae.steps_per_execution == expected
    assert int(vae.optimizer.iterations) == steps


def test_nor_beyond_those_of_an_evaluation(caplog):
    vae, _ = fitted(caplog)
    counted = vae.evaluate(kv.data.pipeline(X, batch_size=4), steps=3, verbose=0)
    assert counted == pytest.approx(vae.evaluate(X[:12], batch_size=4, verbose=0), rel=1e-6)


@pytest.mark.parametrize("options", [{"steps_per_execution": 3}, {"jit_compile": True}, {"jit_compile": False}])
def test_what_is_asked_for_is_done(options, caplog):
    vae, (message,) = fitted(caplog, X[:16], **options)
    assert {name: getattr(vae, name) for name in options} == options
    assert "as asked for" in message


def test_nothing_is_logged_where_nothing_is_left_to_choose(caplog):
    assert fitted(caplog, X[:8], jit_compile=False, steps_per_execution=1)[1] == []


def test_a_loaded_model_chooses_anew(caplog, tmp_path):
    vae, _ = fitted(caplog)
    vae.save(tmp_path / "vae.keras")
    again = keras.models.load_model(tmp_path / "vae.keras")
    assert again.steps_per_execution == 1
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="keras_vae"):
        again.fit(X, batch_size=4, verbose=0)
    assert again.steps_per_execution == 4
    assert "4 steps an execution" in caplog.text


def test_several_replicas_take_single_steps_without_xla(caplog):
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()).scope():
        vae = small_vae()
        vae.compile("adam")
    with caplog.at_level(logging.INFO, logger="keras_vae"):
        vae.fit(kv.data.pipeline(X, batch_size=4), verbose=0)
    assert (vae.jit_compile, vae.steps_per_execution) == (False, 1)
    assert "without XLA, 1 step an execution: Keras can do nothing else with several replicas" in caplog.text
