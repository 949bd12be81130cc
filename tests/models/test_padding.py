"""Sequences of several lengths: neither what stands in the padding nor its length changes anything."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.soaked import soaked

LENGTHS = np.random.default_rng(0).integers(2, 7, 40)
SERIES = np.random.default_rng(1).normal(size=(40, 6, 2)).cumsum(axis=1).astype("float32")


class StepsSummed(keras.layers.Layer):
    """An encoder of any length: each time step by itself, and the sum of those that are observed."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(8, activation="tanh")

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, x):
        return tf.reduce_sum(self.dense(x) * x[..., -1:], axis=1)  # the last channel is the mask's


class EachStep(keras.layers.Layer):
    """A decoder of any length: z and the place in time, step by step."""

    def __init__(self, length):
        super().__init__()
        self.length = length
        self.dense = keras.layers.Dense(8, activation="tanh")

    def build(self, input_shape):
        self.dense.build((None, None, input_shape[-1] + 2))

    def call(self, z):
        time = tf.range(self.length, dtype=z.dtype)
        place = tf.stack([tf.sin(time), tf.cos(time)], axis=-1)[None]
        rows = [tf.repeat(z[:, None], self.length, axis=1), tf.tile(place, [tf.shape(z)[0], 1, 1])]
        return self.dense(tf.concat(rows, axis=-1))


def sequences(length):
    """Make a model of sequences of one padded length; its weights do not depend on it."""
    keras.utils.set_random_seed(0)
    vae = kv.VAE(
        encoder=StepsSummed(),
        posterior=kv.posteriors.DiagonalGaussian(3),
        decoder=EachStep(length),
        likelihood=kv.likelihoods.Gaussian((length, 2), scale="optimal"),
        missing=True,
        seed=0,
    )
    vae.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    return vae


def padded(length, value=0.0):
    """Pad all sequences to a length by some value."""
    mask = np.arange(length) < LENGTHS[:, None]
    x = np.full((len(SERIES), length, 2), value, "float32")
    x[:, :6] = SERIES
    return {"x": np.where(mask[..., None], x, np.float32(value)), "mask": mask}


def answers(length, value=0.0):
    """Train, evaluate and generate; return all numbers, of the first six steps."""
    vae, data = sequences(length), padded(length, value)
    history = vae.fit(data, epochs=2, batch_size=16, verbose=0).history
    found = [history, vae.get_weights(), vae.evaluate(data, verbose=0), vae.encode(data), vae.score(data, seed=0)]
    found += [kv.evaluation.log_evidence(vae, data, 20, seed=0)]
    return [*found, vae.reconstruct(data)[:, :6], vae.generate(5, seed=0)[:, :6]]


@pytest.fixture(scope="module")
def expected():
    return answers(6)


@pytest.mark.parametrize("value", soaked([7.0, np.nan], quick=[7.0]))
def test_what_stands_in_the_padding_does_not_matter(value, expected):
    tf.nest.map_structure(np.testing.assert_array_equal, answers(6, value), expected)


def test_the_length_of_the_padding_does_not_matter(expected):
    def compare(one, other):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)

    tf.nest.map_structure(compare, answers(11), expected)


def test_the_end_of_a_sequence_can_be_imputed():
    vae, data = sequences(6), padded(6, np.nan)
    found = vae.impute(data["x"], num_samples=20, seed=0)
    np.testing.assert_array_equal(found[data["mask"]], SERIES[data["mask"]])
    assert np.isfinite(found).all()
