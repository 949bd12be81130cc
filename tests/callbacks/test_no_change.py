"""Callbacks watch: training goes as it would without them."""

import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.again import Again
from tests.callbacks.conftest import image_vae, images


def all_callbacks(directory):
    x = images()[:10]
    return [
        kv.callbacks.ImageLogger(directory / "pictures", log_dir=directory / "logs", x=x, num_samples=4),
        kv.callbacks.CollapseMonitor(x),
        kv.callbacks.KLCrossCheck(x, num_samples=50),
    ]


@pytest.mark.soak
def test_a_model_ends_with_the_weights_that_it_has_without_callbacks(tmp_path):
    # Compiled by XLA, once, and with two steps an execution; the other tests of this folder train without XLA.
    again, weights = Again(image_vae(jit_compile=True)), []
    untrained = again.model.get_weights()
    for callbacks in ([], all_callbacks(tmp_path)):
        vae = again()
        history = vae.fit(images(), batch_size=16, epochs=2, verbose=0, callbacks=callbacks).history
        weights.append(vae.get_weights())
    assert any(not np.array_equal(*pair) for pair in zip(untrained, weights[0], strict=True))
    for found, expected in zip(*weights, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert {"dead_dimensions", "kl_closed_form", "kl_monte_carlo", "kl_z_score"} <= set(history)
    assert {len(values) for values in history.values()} == {2}


@pytest.mark.soak
def test_they_work_with_two_replicas(tmp_path):
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()).scope():
        vae = image_vae(steps_per_execution=1)
    history = vae.fit(images(), batch_size=16, epochs=1, verbose=0, callbacks=all_callbacks(tmp_path)).history
    assert abs(history["kl_z_score"][0]) < 4.0
    assert (tmp_path / "pictures" / "samples_0001.png").exists()
