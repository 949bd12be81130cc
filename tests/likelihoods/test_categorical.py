"""The categorical likelihood against SciPy, in both encodings."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

import keras_vae as kv

CATEGORIES = 4


def direct(event_shape=(3, 2), encoding="integer"):
    return kv.likelihoods.Categorical(event_shape, CATEGORIES, encoding=encoding, projection=None, dtype="float64")


def log_prob(likelihood, logits, x):
    return likelihood.distribution(likelihood(logits)).log_prob(likelihood.observe(x)).numpy()


def draw(seed=0):
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=2.0, size=(5, 3, 2, CATEGORIES))
    return logits, generator.integers(0, CATEGORIES, size=(5, 3, 2))


@pytest.mark.parametrize("encoding", ["integer", "one_hot"])
def test_log_prob_is_scipys_multinomial_of_one_trial(encoding):
    logits, x = draw()
    codes = np.eye(CATEGORIES)[x]
    expected = scipy.stats.multinomial(1, scipy.special.softmax(logits, axis=-1)).logpmf(codes).sum(axis=(1, 2))
    values = log_prob(direct(encoding=encoding), logits, x if encoding == "integer" else codes)
    assert values.shape == (5,)
    np.testing.assert_allclose(values, expected, rtol=1e-10)


def test_both_encodings_agree_where_observations_are_floats():
    logits, x = draw(1)
    codes = np.eye(CATEGORIES, dtype="float32")[x]
    np.testing.assert_allclose(
        log_prob(direct(), logits, x.astype("float32")), log_prob(direct(encoding="one_hot"), logits, codes), rtol=1e-12
    )


def test_the_mean_is_the_expected_number_or_the_probabilities():
    logits, _ = draw()
    probabilities = scipy.special.softmax(logits, axis=-1)
    integer, one_hot = direct(), direct(encoding="one_hot")
    np.testing.assert_allclose(integer.mean(integer(logits)), probabilities @ np.arange(CATEGORIES), rtol=1e-12)
    np.testing.assert_allclose(one_hot.mean(one_hot(logits)), probabilities, rtol=1e-12)


@pytest.mark.parametrize("encoding", ["integer", "one_hot"])
def test_extreme_logits_are_finite(encoding):
    logits = np.zeros((1, 1, CATEGORIES))
    logits[0, 0, 0] = 1e4
    x = [[1]] if encoding == "integer" else [[[0, 1, 0, 0]]]
    np.testing.assert_allclose(log_prob(direct((1,), encoding), logits, x), [-1e4])


def test_a_projection_gives_a_logit_for_each_category():
    likelihood = kv.likelihoods.Categorical((3, 2), CATEGORIES)
    assert likelihood(np.ones((5, 7), "float32"))["logits"].shape == (5, 3, 2, CATEGORIES)
    assert likelihood.get_weights()[0].shape == (7, 3 * 2 * CATEGORIES)


def test_each_encoding_says_what_it_takes():
    integer, one_hot = direct(), direct(encoding="one_hot")
    assert (integer.x_shape, integer.support, integer.integer_valued) == ((3, 2), (0.0, 3.0), True)
    assert (one_hot.x_shape, one_hot.support, one_hot.integer_valued) == ((3, 2, 4), (0.0, 1.0), True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_categories": 1}, r"`num_categories` must be >= 2. Received: num_categories=1"),
        ({"num_categories": 2.0}, r"`num_categories` must be an integer"),
        ({"num_categories": 2, "encoding": "onehot"}, r"`encoding` must be one of \['integer', 'one_hot'\].*'onehot'"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kv.likelihoods.Categorical((3, 2), **arguments)
