"""One seed, one run: across processes, and with nothing repeated from epoch to epoch."""

import json

import keras
import numpy as np
import pytest

import keras_vae as kv
from tests.models.conftest import binary, small_vae
from tests.models.test_saving import run_python


def training():
    """Return the history and the size of the weights of a run in which all comes from one seed."""
    keras.utils.set_random_seed(4)
    vae = kv.VAE(
        encoder=kv.networks.ConvEncoder((4, 8)),
        posterior=kv.posteriors.DiagonalGaussian(2),
        decoder=kv.networks.ConvDecoder((8, 4)),
        likelihood=kv.likelihoods.Bernoulli((8, 8, 1)),
    )
    vae.compile("adam")
    images = kv.data.load("digits")[0].images[:200]
    data = kv.data.pipeline(images, batch_size=32, shuffle=True, binarize="dynamic", seed=4)
    history = vae.fit(data, validation_data=data, epochs=3, verbose=0).history
    return json.dumps([history, float(sum(np.abs(weight).sum() for weight in vae.get_weights()))])


@pytest.mark.soak  # the command line's runs are compared bit for bit in any case
def test_two_processes_with_one_seed_give_one_history():
    other = run_python("from tests.models.test_reproducibility import training; print(training())")
    assert other.strip() == training()
    assert len(json.loads(other)[0]["loss"]) == 3


def batches_seen(vae, data, epochs=2, **kwargs):
    """Return what each training step was given, epoch by epoch."""
    seen = []
    original = vae.train_step

    def spy(batch):
        seen.append(np.array(batch[0]["x"]))
        return original(batch)

    vae.train_step = spy
    vae.run_eagerly = True
    vae.fit(data, epochs=epochs, verbose=0, **kwargs)
    size = len(seen) // (epochs - kwargs.get("initial_epoch", 0))
    return [np.concatenate(seen[start : start + size]) for start in range(0, len(seen), size)]


def compiled():
    vae = small_vae()
    vae.compile("adam")
    return vae


def test_two_epochs_see_different_orders_and_different_binarizations():
    grey = np.linspace(0.0, 1.0, 40 * 6, dtype="float32").reshape(40, 6)
    order = kv.data.pipeline(grey, batch_size=8, shuffle=True, seed=0)
    first, second = batches_seen(compiled(), order)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(np.sort(first, axis=0), np.sort(second, axis=0))

    binarized = kv.data.pipeline(grey, batch_size=8, binarize="dynamic", seed=0)
    first, second = batches_seen(compiled(), binarized)
    assert np.mean(first != second) > 0.1
    assert set(np.unique(first)) == {0.0, 1.0}


def test_arrays_too_have_an_order_of_their_own_in_each_epoch():
    x = np.linspace(0.0, 1.0, 40 * 6, dtype="float32").reshape(40, 6)
    first, second = batches_seen(compiled(), x, batch_size=8)
    assert not np.array_equal(first, second)


def test_a_resumed_run_sees_the_epochs_that_it_would_have_seen():
    grey = np.full((40, 6), 0.5, "float32")

    def data():
        return kv.data.pipeline(grey, batch_size=8, shuffle=True, binarize="dynamic", seed=0)

    whole = batches_seen(compiled(), data(), epochs=4)
    resumed = batches_seen(compiled(), data(), epochs=4, initial_epoch=2)
    np.testing.assert_array_equal(whole[2:], resumed)


def test_each_step_has_noise_of_its_own():
    vae = compiled()
    x = binary(4)
    draws = [vae.infer(x, seed=vae._noise_seed(0, step)).latents[0].z.numpy() for step in range(3)]
    assert np.abs(draws[0] - draws[1]).min() > 0
    assert np.abs(draws[1] - draws[2]).min() > 0
    np.testing.assert_array_equal(draws[0], vae.infer(x, seed=vae._noise_seed(0, 0)).latents[0].z)
    again = [vae.infer(x).latents[0].z.numpy() for _ in range(2)]
    assert np.abs(again[0] - again[1]).min() > 0
