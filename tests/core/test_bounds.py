"""Clipped, with a gradient that leads back."""

import numpy as np
import pytest
import tensorflow as tf

from keras_vae import core


def value_and_gradient(x, upstream, compiled):
    @tf.function(jit_compile=compiled)
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = core.bounded(x, -1.0, 2.0)
        return y, tape.gradient(y, x, output_gradients=upstream)

    return run(x)


@pytest.mark.parametrize("compiled", [False, True])
def test_values_are_clipped_and_gradients_pass_inside_and_where_descent_leads_back(compiled):
    x = tf.constant([-1e30, -1e30, -0.5, -0.5, 5.0, 5.0])
    upstream = tf.constant([-3.0, 3.0, -3.0, 3.0, -3.0, 3.0])
    y, gradient = value_and_gradient(x, upstream, compiled)
    np.testing.assert_array_equal(y, np.clip(x, -1.0, 2.0))
    np.testing.assert_array_equal(gradient, [-3.0, 0.0, -3.0, 3.0, 0.0, 3.0])


def test_descent_stops_at_the_bound_that_is_best():
    for target, expected in ((5.0, 2.0), (-5.0, -1.0), (0.5, 0.5)):
        x = tf.Variable([-9.0, 9.0])
        for _ in range(60):
            with tf.GradientTape() as tape:
                y = core.bounded(x, -1.0, 2.0)
                loss = tf.reduce_sum(tf.math.squared_difference(y, target))
            x.assign_sub(0.4 * tape.gradient(loss, x))
        np.testing.assert_allclose(y, [expected, expected], atol=1e-3)


def test_a_bound_may_be_missing_on_one_side():
    np.testing.assert_array_equal(core.bounded(tf.constant([-1e30, 9.0]), -np.inf, 2.0), np.float32([-1e30, 2.0]))
