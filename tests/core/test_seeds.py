"""Seeds: fresh ones, given ones, and new ones folded from integers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_vae import core


def test_a_given_seed_is_kept():
    assert core.resolve_seed(np.int64(5)) == 5
    assert core.resolve_seed(0) == 0
    assert core.resolve_seed(2**31 - 1) == 2**31 - 1


def test_fresh_seeds_differ_and_follow_keras_global_seed():
    keras.utils.set_random_seed(1)
    first = [core.resolve_seed(None) for _ in range(3)]
    keras.utils.set_random_seed(1)
    assert [core.resolve_seed(None) for _ in range(3)] == first
    assert len(set(first)) == 3


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        (-1, r"`seed` must be >= 0. Received: seed=-1"),
        (2**31, r"`seed` must be < 2\*\*31. Received: seed=2147483648"),
        (0.5, r"`seed` must be an integer. Received: seed=0.5"),
    ],
)
def test_seeds_out_of_range_are_refused(seed, message):
    with pytest.raises(ValueError, match=message):
        core.resolve_seed(seed)


@pytest.mark.parametrize("seed", [7, np.int64(7), tf.constant([7, 0], tf.int64), [7, 0]])
def test_integers_and_pairs_become_int32_pairs_as_tfp_wants_them(seed):
    stateless = core.as_seed(seed)
    assert stateless.dtype == tf.int32
    np.testing.assert_array_equal(stateless, [7, 0])


def test_a_folded_seed_is_a_pure_function_of_all_that_is_folded_in():
    base = core.fold_in(3, 1, 2)
    np.testing.assert_array_equal(base, core.fold_in(3, 1, 2))
    np.testing.assert_array_equal(base, core.fold_in(core.fold_in(3, 1), 2))
    np.testing.assert_array_equal(base, tf.function(core.fold_in)(3, tf.constant(1, tf.int64), tf.constant(2)))
    others = [core.fold_in(*arguments) for arguments in [(4, 1, 2), (3, 2, 1), (3, 1), (3, 1, 3), (3, 1, 2, 0)]]
    assert all(not np.array_equal(base, other) for other in others)


def test_streams_of_neighbouring_steps_are_uncorrelated():
    draws = np.stack([tf.random.stateless_normal([4000], core.fold_in(0, 1, step)) for step in range(4)])
    correlations = np.corrcoef(draws)[np.triu_indices(4, 1)]
    assert np.all(np.abs(correlations) < 4 / np.sqrt(4000))
