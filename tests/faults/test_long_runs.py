"""What must not grow while a run goes on: the number of traces, and memory."""

import json
import pathlib

import keras
import pytest

import keras_vae as kv
from tests.models.conftest import binary, small_vae
from tests.models.test_saving import run_python


class Count(keras.callbacks.Callback):
    """Counts how often Python runs a model's steps, which in a graph is how often they are traced."""

    def __init__(self, vae):
        super().__init__()
        self.traces, self.after_epoch = 0, []
        vae.train_step, vae.test_step = self.counted(vae.train_step), self.counted(vae.test_step)

    def counted(self, step):
        def wrapper(data):
            self.traces += 1
            return step(data)

        return wrapper

    def on_epoch_end(self, epoch, logs=None):
        self.after_epoch.append(self.traces)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("array", {}),
        ("pipeline", {"steps_per_execution": 3}),
        pytest.param("pipeline", {"jit_compile": True}, marks=pytest.mark.soak),
    ],
    ids=["array", "several_steps", "xla"],
)
def test_nothing_is_traced_after_the_first_epoch(kind, options, tmp_path):
    x = binary(21)  # the last batch is short, and so is the last execution
    vae = small_vae()
    vae.compile("adam", **options)
    count = Count(vae)
    train, validation = x, x[:13]
    if kind == "pipeline":
        train = kv.data.pipeline(x, batch_size=4, shuffle=True, binarize="dynamic", seed=0)
        validation = kv.data.pipeline(x[:13], batch_size=4)
    callbacks = [count, kv.callbacks.Checkpoint(tmp_path)]
    vae.fit(train, batch_size=4, validation_data=validation, epochs=4, callbacks=callbacks, verbose=0)
    assert count.after_epoch[0] >= 2
    assert count.after_epoch == [count.after_epoch[0]] * 4


LONG_RUN = """
    import json, pathlib, sys, keras
    import keras_vae as kv

    class Memory(keras.callbacks.Callback):
        megabytes = []

        def on_epoch_end(self, epoch, logs=None):
            pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
            self.megabytes.append(pages * 4096 / 1e6)

    train, test = kv.data.load("digits")
    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder((64,)), posterior=kv.posteriors.DiagonalGaussian(8),
        decoder=kv.networks.MLPDecoder((64,)), likelihood=kv.likelihoods.Bernoulli((8, 8, 1)), seed=0,
    )
    vae.compile("adam")
    memory = Memory()
    data = kv.data.pipeline(train.images, batch_size=64, shuffle=True, binarize="dynamic", seed=0)
    validation_data = kv.data.pipeline(test.images, batch_size=64, binarize="fixed", seed=1)
    callbacks = [memory, kv.callbacks.Checkpoint(sys.argv[1]), keras.callbacks.EarlyStopping(patience=10**6)]
    vae.fit(data, validation_data=validation_data, epochs=200, callbacks=callbacks, verbose=0)
    print(json.dumps(memory.megabytes))
"""


@pytest.mark.soak
@pytest.mark.skipif(not pathlib.Path("/proc/self/statm").exists(), reason="there is no /proc here")
def test_memory_after_200_epochs_is_that_after_20(tmp_path):
    megabytes = json.loads(run_python(LONG_RUN, tmp_path, timeout=600))
    assert len(megabytes) == 200
    assert megabytes[199] <= 1.05 * megabytes[19]
