"""Sums and averages over the replicas of a strategy."""

import numpy as np
import pytest
import tensorflow as tf

from keras_vae import core

# The first replica has four examples, the second one: the ragged last batch.
VALUES = (np.arange(8.0, dtype="float32").reshape(4, 2), np.float32([[100.0, -7.0]]))
WEIGHTS = (np.float32([1.0, 0.0, 2.0, 0.5]), np.float32([3.0]))


def on_each_replica(function, *parts):
    """Run a function on two replicas, each with its part, and return both results."""
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

    def distribute(values):
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(values[context.replica_id_in_sync_group])
        )

    parts = [distribute(values) for values in parts]
    results = tf.function(lambda *args: strategy.run(function, args))(*parts)
    return [result.numpy() for result in strategy.experimental_local_results(results)]


def test_outside_of_a_strategy_there_is_one_replica():
    assert core.num_replicas() == 1
    assert int(core.replica_id()) == 0
    np.testing.assert_array_equal(core.global_sum(tf.constant([1.0, 2.0])), [1.0, 2.0])


def test_replicas_are_counted_and_numbered():
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        assert core.num_replicas() == 2
        assert core.replica_id() == 0  # no replica is running
    assert on_each_replica(lambda: core.replica_id() + 10 * core.num_replicas()) == [20, 21]


def test_the_global_sum_is_the_same_on_every_replica():
    results = on_each_replica(lambda values: core.global_sum(tf.reduce_sum(values, axis=0)), VALUES)
    for result in results:
        np.testing.assert_allclose(result, np.concatenate(VALUES).sum(axis=0))


def test_the_global_mean_counts_each_example_by_its_weight_wherever_it_is():
    expected = np.average(np.concatenate(VALUES), axis=0, weights=np.concatenate(WEIGHTS))
    for result in on_each_replica(core.global_mean, VALUES, WEIGHTS):
        np.testing.assert_allclose(result, expected, rtol=1e-6)
    alone = core.global_mean(tf.constant(np.concatenate(VALUES)), tf.constant(np.concatenate(WEIGHTS), tf.float64))
    np.testing.assert_allclose(alone, expected, rtol=1e-6)


def test_weights_of_zero_give_a_mean_of_zero_and_not_nan():
    assert core.global_mean(tf.constant([1.0, 2.0]), tf.zeros([2])) == 0.0


@pytest.mark.parametrize("function", [core.global_sum, lambda values: core.global_mean(values, tf.ones([2]))])
def test_no_gradient_flows_through(function):
    values = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(values)
        total = tf.reduce_sum(values * function(values))
    # as if the sum were a constant
    np.testing.assert_allclose(tape.gradient(total, values), function(values) * tf.ones([2]))
