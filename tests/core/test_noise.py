"""Noise by a seed for each row: SplitMix64's own numbers, normal, independent, and the same wherever it is drawn."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import keras_vae as kv
from keras_vae import core

SEEDS = np.array([[0, 0], [1, 0], [0, 1], [-1, 2**31 - 1], [-(2**31), 7]], np.int32)
WORD = 2**64


def splitmix64(state, count):
    """Return the first numbers of SplitMix64 as its paper writes it, in whole numbers of Python."""
    numbers = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) % WORD
        word = state
        word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % WORD
        word = (word ^ (word >> 27)) * 0x94D049BB133111EB % WORD
        numbers.append(word ^ (word >> 31))
    return numbers


def oracle(seed, count):
    """Return a row's uniform numbers: the first number of a seed's stream is where its noise begins."""
    (start,) = splitmix64(int(np.int32(seed).view(np.uint64)[0]), 1)
    return np.array([(number >> 12) + 0.5 for number in splitmix64(start, count)]) / 2.0**52


def draw(seed, *shape):
    return core.standard_normal(shape, tf.constant(seed), tf.float32).numpy()


def test_the_oracle_gives_the_published_numbers():
    assert splitmix64(1234567, 3) == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_rows_are_normal_quantiles_of_splitmix64():
    noise = draw(SEEDS, 5, 7)
    for seed, row in zip(SEEDS, noise, strict=True):
        np.testing.assert_allclose(row, stats.norm.ppf(oracle(seed, 7)), rtol=1e-6)


def test_leading_axes_go_on_in_the_rows_stream():
    noise = draw(SEEDS, 2, 3, 5, 4)
    assert noise.shape == (2, 3, 5, 4)
    flat = draw(SEEDS, 5, 24)
    np.testing.assert_array_equal(noise.transpose(2, 0, 1, 3).reshape(5, 24), flat)


def test_a_row_depends_on_its_seed_alone():
    noise = draw(SEEDS, 5, 9)
    np.testing.assert_array_equal(draw(SEEDS[::-1].copy(), 5, 9)[::-1], noise)
    np.testing.assert_array_equal(draw(SEEDS[2:3], 1, 6), noise[2:3, :6])
    assert draw(np.zeros((0, 2), np.int32), 0, 4).shape == (0, 4)


def test_xla_draws_the_same_numbers():
    compiled = tf.function(lambda seed: core.standard_normal([5, 9], seed, tf.float32), jit_compile=True)
    np.testing.assert_allclose(compiled(tf.constant(SEEDS)), draw(SEEDS, 5, 9), rtol=1e-6)


def test_neighbouring_seeds_are_independent_standard_normals():
    count = np.arange(20_000, dtype=np.int32)
    noise = draw(np.stack([count, np.zeros_like(count)], axis=1), 20_000, 8).astype("float64")
    for column in noise.T:
        assert stats.kstest(column, "norm").pvalue > 1e-4
    correlation = np.corrcoef(np.hstack([noise[:-1], noise[1:]]).T)
    assert np.abs(correlation - np.eye(16)).max() < 5 / np.sqrt(20_000)


def test_folding_makes_other_seeds_that_depend_on_every_number():
    seeds = tf.constant(SEEDS)
    folded = [core.fold_in(seeds, *numbers).numpy() for numbers in [(0,), (1,), (2,), (0, 1), (1, 0)]]
    rows = {tuple(row) for seed in [SEEDS, *folded] for row in seed}
    assert len(rows) == 6 * 5
    np.testing.assert_array_equal(core.fold_in(seeds[3:4], 1), folded[1][3:4])


def test_a_seed_for_all_draws_what_tensorflow_draws():
    seed = core.as_seed(3)
    np.testing.assert_array_equal(
        core.standard_normal([4, 2], seed, tf.float32), tf.random.stateless_normal([4, 2], seed)
    )


def test_a_seed_too_few_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="requested shape"):
        draw(SEEDS[:1], 5, 3)


def test_sampling_takes_a_seed_for_each_row():
    mean, log_var = tf.random.normal([5, 3]), tf.random.normal([5, 3])
    z = kv.Sampling()([mean, log_var], num_samples=2, seed=tf.constant(SEEDS))
    seed = core.fold_in(tf.constant(SEEDS), 0)  # the replica
    eps = core.standard_normal([2, 5, 3], seed, tf.float32)
    np.testing.assert_allclose(z, mean + tf.exp(log_var / 2) * eps, rtol=1e-6)


@pytest.mark.parametrize("posterior", [kv.posteriors.DiagonalGaussian(3), kv.posteriors.FullCovarianceGaussian(3)])
def test_posteriors_take_a_seed_for_each_row(posterior):
    parameters = posterior(tf.random.normal([5, 4]))
    together = posterior.sample(parameters, 2, tf.constant(SEEDS))
    third = {name: value[2:3] for name, value in parameters.items()}
    np.testing.assert_allclose(posterior.sample(third, 2, tf.constant(SEEDS[2:3])), together[:, 2:3], rtol=1e-5)
