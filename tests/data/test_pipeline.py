"""Batches from arrays: order and binarization as pure functions of (seed, epoch, step)."""

import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests import oracles

GREY = np.random.default_rng(0).random((50, 4, 3)).astype("float32")
BYTES = np.random.default_rng(1).integers(0, 256, (50, 4, 3)).astype("uint8")
NUMBERED = np.arange(50.0)[:, None]


def epoch_of(dataset):
    """Run through a data set once and return all of it."""
    return np.concatenate([batch.numpy() for batch in dataset])


def test_batches_are_float32_in_order_with_a_short_one_last():
    dataset = kv.data.pipeline(GREY, batch_size=16)
    assert dataset.element_spec.shape[1:] == (4, 3) and dataset.element_spec.dtype == tf.float32
    assert [len(batch) for batch in dataset] == [16, 16, 16, 2]
    np.testing.assert_array_equal(epoch_of(dataset), GREY)


@pytest.mark.parametrize(
    ("batch_size", "drop", "expected"), [(16, False, 4), (16, True, 3), (25, False, 2), (99, False, 1)]
)
def test_the_number_of_batches_is_known(batch_size, drop, expected):
    dataset = kv.data.pipeline(GREY, batch_size=batch_size, drop_remainder=drop)
    assert int(dataset.cardinality()) == len(list(dataset)) == expected


def test_no_tuner_of_tensorflow_runs_whose_thread_the_end_of_an_epoch_can_wait_for():
    dataset = kv.data.pipeline(GREY, batch_size=16)
    assert dataset.options().autotune.enabled is False


@pytest.mark.parametrize("shape", [(5,), (6, 3), (4, 4, 1)], ids=str)
def test_vectors_sequences_and_images_are_taken(shape):
    values = np.random.default_rng(0).normal(size=(7, *shape))
    np.testing.assert_array_equal(epoch_of(kv.data.pipeline(values, batch_size=3)), values.astype("float32"))


def test_only_bytes_are_rescaled_unless_told_otherwise():
    np.testing.assert_array_equal(epoch_of(kv.data.pipeline(BYTES)), BYTES / np.float32(255))
    np.testing.assert_array_equal(epoch_of(kv.data.pipeline(BYTES, rescale=False)), BYTES)
    np.testing.assert_array_equal(epoch_of(kv.data.pipeline(BYTES.astype("int32"))), BYTES)
    np.testing.assert_array_equal(
        epoch_of(kv.data.pipeline(BYTES.astype("float32"), rescale=True)), BYTES / np.float32(255)
    )


def test_shuffled_epochs_have_every_example_once_each_in_an_order_of_its_own():
    dataset = kv.data.pipeline(NUMBERED, batch_size=16, shuffle=True, seed=3)
    epochs = [epoch_of(dataset)[:, 0] for _ in range(3)]
    for order in epochs:
        np.testing.assert_array_equal(np.sort(order), NUMBERED[:, 0])
    for i, j in ((0, 1), (0, 2), (1, 2)):
        # two random orders agree in one place on average
        assert np.sum(epochs[i] == epochs[j]) < 10
    assert not np.array_equal(epochs[0], NUMBERED[:, 0])


def test_every_example_is_as_likely_early_as_late():
    dataset = kv.data.pipeline(NUMBERED[:9], batch_size=9, shuffle=True, seed=3)
    orders = np.stack([epoch_of(dataset)[:, 0] for _ in range(60)])
    oracles.assert_mean_within_standard_errors(orders, 4.0)


SETTINGS = {"shuffle": True, "binarize": "dynamic", "batch_size": 16}


def test_one_seed_gives_the_same_run_and_another_seed_another():
    runs = [
        [epoch_of(dataset) for _ in range(2)]
        for dataset in (kv.data.pipeline(GREY, seed=seed, **SETTINGS) for seed in (5, 5, 6))
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])
    assert not np.array_equal(runs[0][0], runs[0][1])


def test_without_a_seed_two_pipelines_differ():
    first, second = (epoch_of(kv.data.pipeline(GREY, **SETTINGS)) for _ in range(2))
    assert not np.array_equal(first, second)


def test_an_epoch_is_repeated_when_its_number_is_set():
    dataset = kv.data.pipeline(GREY, seed=5, **SETTINGS)
    epochs = [epoch_of(dataset) for _ in range(3)]
    assert int(dataset.epoch) == 3
    resumed = kv.data.pipeline(GREY, seed=5, **SETTINGS)
    resumed.epoch.assign(2)
    np.testing.assert_array_equal(epoch_of(resumed), epochs[2])


def test_binarization_depends_on_the_step_and_not_on_what_was_drawn_before():
    images = np.full((40, 3), 0.5)
    whole = kv.data.pipeline(images, seed=5, binarize="dynamic", batch_size=10)
    batches = [batch.numpy() for batch in whole]
    assert not np.array_equal(batches[0], batches[1])
    # the first two batches of a shorter set are those of the longer one
    shorter = kv.data.pipeline(images[:20], seed=5, binarize="dynamic", batch_size=10)
    np.testing.assert_array_equal([batch.numpy() for batch in shorter], batches[:2])


def test_dynamic_binarization_draws_each_pixel_with_its_grey_value():
    images = np.tile(np.array([0.0, 0.1, 0.5, 0.9, 1.0]), (20_000, 1))
    dataset = kv.data.pipeline(images, seed=0, binarize="dynamic", batch_size=20_000)
    first, second = epoch_of(dataset), epoch_of(dataset)
    assert set(np.unique(first)) == {0.0, 1.0}
    assert np.all(first[:, 0] == 0.0) and np.all(first[:, 4] == 1.0)
    oracles.assert_mean_within_standard_errors(first[:, 1:4], [0.1, 0.5, 0.9])
    # two epochs are independent: they agree with probability p^2 + (1 - p)^2
    oracles.assert_mean_within_standard_errors((first == second)[:, 1:4], [0.82, 0.5, 0.82])


def test_fixed_binarization_is_the_same_in_each_epoch_whatever_the_order():
    plain = kv.data.pipeline(GREY, seed=5, binarize="fixed", batch_size=16)
    first = epoch_of(plain)
    assert set(np.unique(first)) == {0.0, 1.0}
    np.testing.assert_array_equal(epoch_of(plain), first)
    np.testing.assert_array_equal(epoch_of(kv.data.pipeline(GREY, seed=5, binarize="fixed", batch_size=7)), first)
    shuffled = kv.data.pipeline(
        GREY, seed=5, binarize="fixed", shuffle=True, batch_size=16, labels=np.arange(50), drop_remainder=False
    )
    for _ in range(2):
        for x, labels in shuffled:
            np.testing.assert_array_equal(x, first[labels.numpy()])
    assert not np.array_equal(epoch_of(kv.data.pipeline(GREY, seed=6, binarize="fixed")), first)


@pytest.mark.parametrize("binarize", ["dynamic", "fixed"])
def test_bytes_are_binarized_with_their_share_of_255(binarize):
    images = np.tile(np.array([0, 51, 204, 255], "uint8"), (20_000, 1))
    binary = epoch_of(kv.data.pipeline(images, seed=0, binarize=binarize))
    assert np.all(binary[:, 0] == 0.0) and np.all(binary[:, 3] == 1.0)
    oracles.assert_mean_within_standard_errors(binary[:, 1:3], [0.2, 0.8])


@pytest.mark.parametrize("binarize", ["dynamic", "fixed"])
def test_bytes_that_are_binary_already_stay_so_without_rescaling(binarize):
    binary = np.random.default_rng(0).integers(0, 2, (30, 6)).astype("uint8")
    np.testing.assert_array_equal(epoch_of(kv.data.pipeline(binary, binarize=binarize, rescale=False, seed=0)), binary)


def test_labels_and_weights_follow_their_examples_through_the_shuffle():
    labels, weights = np.arange(50) % 7, np.linspace(0, 1, 50)
    settings = {"batch_size": 16, "shuffle": True, "seed": 1}
    (x, y) = next(iter(kv.data.pipeline(NUMBERED, labels=labels, **settings)))
    rows = x.numpy()[:, 0].astype(int)
    np.testing.assert_array_equal(y, labels[rows])
    x, y, weight = next(iter(kv.data.pipeline(NUMBERED, labels=labels, sample_weight=weights, **settings)))
    np.testing.assert_array_equal(y, labels[rows])
    np.testing.assert_allclose(weight, weights[rows], rtol=1e-6)
    assert weight.dtype == tf.float32
    x, y, weight = next(iter(kv.data.pipeline(NUMBERED, sample_weight=weights, **settings)))
    assert y == ()
    np.testing.assert_allclose(weight, weights[rows], rtol=1e-6)


def test_labels_may_be_vectors():
    labels = np.random.default_rng(0).normal(size=(50, 3)).astype("float32")
    _, y = next(iter(kv.data.pipeline(NUMBERED, labels=labels, batch_size=16)))
    np.testing.assert_array_equal(y, labels[:16])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": np.zeros((0, 3))}, r"`images` must have shape \(n, \*event_shape\) with n >= 1. .*\(0, 3\)"),
        ({"images": np.zeros(5)}, r"`images` must have shape \(n, \*event_shape\) with n >= 1. .*\(5,\)"),
        ({"batch_size": 0}, r"`batch_size` must be >= 1. Received: batch_size=0"),
        ({"batch_size": 51, "drop_remainder": True}, r"`batch_size` must be <= 50, .* Received: batch_size=51"),
        (
            {"binarize": "static"},
            r"`binarize` must be one of \[None, 'dynamic', 'fixed'\]. Received: binarize='static'",
        ),
        ({"seed": -1}, r"`seed` must be >= 0. Received: seed=-1"),
        ({"labels": np.zeros(49)}, r"`labels` must have one row for each of the 50 examples. Received: 49"),
        ({"sample_weight": np.zeros(51)}, r"`sample_weight` must have one row for each of the 50 .* Received: 51"),
        (
            {"images": GREY - 0.5, "binarize": "fixed"},
            r"`images` must be in \[0, 1\] to be binarized. Received: .* from -0",
        ),
        ({"images": 255 * GREY, "binarize": "dynamic"}, r"`images` must be in \[0, 1\] to be binarized"),
        ({"images": 256 * GREY + 9, "binarize": "dynamic", "rescale": True}, r"`images` must be in \[0, 255\] to be"),
        ({"images": np.full((2, 3), np.nan), "binarize": "dynamic"}, r"`images` must be in .* values from nan to nan"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kv.data.pipeline(**{"images": GREY, **arguments})
