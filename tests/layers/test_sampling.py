"""The reparameterization trick."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import keras_vae as kv
from tests import oracles

MEAN = np.float32([[1.0, -2.0, 0.5]])
LOG_VAR = np.float32([[0.0, -1.5, 2.0]])


def test_draws_have_the_mean_and_the_variance_of_the_gaussian():
    z = kv.Sampling(seed=1)([tf.constant(MEAN), tf.constant(LOG_VAR)], num_samples=20_000).numpy()
    oracles.assert_mean_within_standard_errors(z[:, 0], MEAN[0])
    oracles.assert_mean_within_standard_errors((z[:, 0] - MEAN[0]) ** 2, np.exp(LOG_VAR[0]))


def test_draws_pass_a_test_of_the_gaussian_distribution_and_dimensions_are_independent():
    z = kv.Sampling(seed=2)([tf.zeros([1, 3]), tf.zeros([1, 3])], num_samples=5_000).numpy()[:, 0]
    for column in z.T:
        assert scipy.stats.kstest(column, "norm").pvalue > 1e-3
    assert np.all(np.abs(np.corrcoef(z.T)[np.triu_indices(3, 1)]) < 4 / np.sqrt(5_000))


def test_gradients_are_one_for_the_mean_and_half_the_deviation_for_log_var():
    mean, log_var = tf.constant(MEAN), tf.constant(LOG_VAR)
    with tf.GradientTape() as tape:
        tape.watch([mean, log_var])
        z = kv.Sampling(seed=3)([mean, log_var], num_samples=4)
    # Each sample has its own row, so the sum over samples is the only mixing.
    to_mean, to_log_var = tape.gradient(z, [mean, log_var])
    np.testing.assert_allclose(to_mean, np.full((1, 3), 4.0))
    np.testing.assert_allclose(to_log_var, np.sum((z - MEAN) / 2, axis=0), rtol=1e-5)


def test_one_seed_repeats_the_stream_and_the_stream_moves_on():
    inputs = [tf.constant(MEAN), tf.constant(LOG_VAR)]
    first, second = kv.Sampling(seed=4), kv.Sampling(seed=4)
    draws = [first(inputs).numpy() for _ in range(3)]
    np.testing.assert_array_equal(draws, [second(inputs).numpy() for _ in range(3)])
    assert not np.array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], kv.Sampling(seed=5)(inputs))
    assert not np.array_equal(kv.Sampling()(inputs), kv.Sampling()(inputs))


def test_a_stateless_seed_replaces_the_stream_and_leaves_it_where_it_was():
    inputs = [tf.constant(MEAN), tf.constant(LOG_VAR)]
    layer, untouched = kv.Sampling(seed=4), kv.Sampling(seed=4)
    seed = tf.constant([8, 9])
    np.testing.assert_array_equal(layer(inputs, seed=seed), layer(inputs, seed=seed))
    np.testing.assert_array_equal(layer(inputs, seed=seed), kv.Sampling(seed=77)(inputs, seed=seed))
    np.testing.assert_array_equal(layer(inputs), untouched(inputs))


def test_samples_have_an_axis_of_their_own_where_their_number_is_given():
    layer, inputs = kv.Sampling(), [tf.zeros([4, 2]), tf.zeros([4, 2])]
    assert layer(inputs).shape == (4, 2)
    assert layer(inputs, num_samples=1).shape == (1, 4, 2)
    z = layer(inputs, num_samples=5).numpy()
    assert z.shape == (5, 4, 2)
    assert len(np.unique(z)) == z.size


def test_each_step_of_a_sequence_has_its_own_noise():
    z = kv.Sampling(seed=0)([tf.zeros([4, 7, 2]), tf.zeros([4, 7, 2])]).numpy()
    assert z.shape == (4, 7, 2)
    assert len(np.unique(z)) == z.size


def test_a_compiled_function_draws_anew_in_each_call():
    layer = kv.Sampling(seed=0)
    draw = tf.function(lambda: layer([tf.zeros([4, 2]), tf.zeros([4, 2])]))
    assert not np.array_equal(draw(), draw())


def test_float64_is_kept():
    z = kv.Sampling(seed=0, dtype="float64")([tf.zeros([4, 2]), tf.zeros([4, 2])])
    assert z.dtype == tf.float64
    assert np.any(z.numpy() != z.numpy().astype(np.float32))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_does_not_overflow_where_exp_of_log_var_would(policy):
    keras.config.set_dtype_policy(policy)
    layer = kv.Sampling(seed=0)
    half = tf.as_dtype(layer.compute_dtype)
    z = layer([tf.zeros([500, 2], half), tf.fill([500, 2], tf.constant(12.0, half))])
    assert z.dtype == tf.float32
    assert np.exp(12.0) > np.finfo(np.float16).max
    oracles.assert_mean_within_standard_errors(z.numpy() ** 2, np.exp(12.0))


def functional_model():
    x = keras.Input((3,))
    mean, log_var = keras.layers.Dense(2, name="mean")(x), keras.layers.Dense(2, name="log_var")(x)
    return keras.Model(x, [mean, log_var, kv.Sampling(seed=6)([mean, log_var])])


def test_it_serves_in_a_functional_model():
    model = functional_model()
    assert model.outputs[-1].shape == (None, 2)
    mean, log_var, z = model(np.ones((400, 3), "float32"))
    eps = (z - mean) / tf.exp(0.5 * log_var)
    oracles.assert_mean_within_standard_errors(eps, 0.0)
    oracles.assert_mean_within_standard_errors(np.square(eps), 1.0)


def test_a_saved_model_goes_on_with_the_stream_where_it_stopped(tmp_path):
    model, x = functional_model(), np.ones((4, 3), "float32")
    first = model(x)[-1].numpy()
    model.save(tmp_path / "model.keras")
    going_on = model(x)[-1].numpy()
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(x)[-1], going_on, rtol=1e-6)
    assert not np.allclose(first, going_on)


def test_weights_alone_carry_the_stream_too(tmp_path):
    model, x = functional_model(), np.ones((4, 3), "float32")
    model(x)
    model.save_weights(tmp_path / "model.weights.h5")
    fresh = functional_model()
    fresh.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(fresh(x)[-1], model(x)[-1], rtol=1e-6)


def test_symbolic_and_real_shapes_agree():
    mean = keras.KerasTensor((None, 5, 2))
    assert kv.Sampling()([mean, mean]).shape == (None, 5, 2)
    assert kv.Sampling()([mean, mean], num_samples=3).shape == (3, None, 5, 2)


def test_it_has_no_weights_and_only_the_state_of_its_stream():
    layer = kv.Sampling(seed=0)
    layer([tf.zeros([4, 2]), tf.zeros([4, 2])])
    assert layer.trainable_variables == [] and layer.weights == []
    assert [variable is layer.seed_generator.state for variable in layer.non_trainable_variables] == [True]


def test_a_mean_and_a_log_var_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"`mean` and `log_var` must have one shape. .*\(1, 2\) and \(4, 2\)"):
        kv.Sampling()([tf.zeros([1, 2]), tf.zeros([4, 2])])


@pytest.mark.parametrize("seed", [-1, 0.5, 2**31])
def test_seeds_out_of_range_are_refused(seed):
    with pytest.raises(ValueError, match=r"`seed` must be .* Received: seed="):
        kv.Sampling(seed=seed)
