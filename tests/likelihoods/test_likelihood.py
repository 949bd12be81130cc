"""What all likelihoods share: the projection of a decoder's features to parameters over events of any rank."""

import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv

EVENTS = {"vector": (5,), "sequence": (4, 3), "image": (6, 5, 2)}
KINDS = {
    "bernoulli": lambda event_shape, **kwargs: kv.likelihoods.Bernoulli(event_shape, **kwargs),
    "continuous_bernoulli": lambda event_shape, **kwargs: kv.likelihoods.ContinuousBernoulli(event_shape, **kwargs),
    "categorical": lambda event_shape, **kwargs: kv.likelihoods.Categorical(event_shape, 3, **kwargs),
    "one_hot": lambda event_shape, **kwargs: kv.likelihoods.Categorical(event_shape, 3, encoding="one_hot", **kwargs),
    "gaussian": lambda event_shape, **kwargs: kv.likelihoods.Gaussian(event_shape, **kwargs),
    "gaussian_learned": lambda event_shape, **kwargs: kv.likelihoods.Gaussian(event_shape, scale="learned", **kwargs),
    "gaussian_optimal": lambda event_shape, **kwargs: kv.likelihoods.Gaussian(event_shape, scale="optimal", **kwargs),
    "gaussian_per_dimension": lambda event_shape, **kwargs: kv.likelihoods.Gaussian(
        event_shape, scale="per_dimension", **kwargs
    ),
    "student_t": lambda event_shape, **kwargs: kv.likelihoods.StudentT(event_shape, **kwargs),
    "student_t_per_dimension": lambda event_shape, **kwargs: kv.likelihoods.StudentT(
        event_shape, scale="per_dimension", degrees_of_freedom="per_dimension", **kwargs
    ),
}


def features(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=(4, *shape)).astype("float32")


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [7, None], ids=["pointwise", "flattened"])
def test_events_of_every_rank_get_a_distribution_and_a_mean(kind, event, channels):
    event_shape = EVENTS[event]
    likelihood = KINDS[kind](event_shape)
    h = features(11) if channels is None else features(*event_shape[:-1], channels)
    parameters = likelihood(h)
    distribution = likelihood.distribution(parameters)
    assert distribution.batch_shape == (4,)
    assert distribution.event_shape == likelihood.x_shape
    assert likelihood.mean(parameters).shape == (4, *likelihood.x_shape)
    x = likelihood.observe(np.zeros((4, *likelihood.x_shape)))
    if kind == "one_hot":
        x = tf.one_hot(tf.zeros(event_shape, tf.int32), 3)
    assert np.all(np.isfinite(distribution.log_prob(x)))


def test_features_of_the_events_size_are_projected_point_by_point():
    likelihood = kv.likelihoods.Bernoulli((6, 5, 2))
    h = features(6, 5, 7)
    logits = likelihood(h)["logits"].numpy()
    kernel, bias = likelihood.get_weights()
    assert kernel.shape == (7, 2)
    np.testing.assert_allclose(logits, h @ kernel + bias, rtol=1e-4, atol=1e-5)
    # a change at one point changes that point alone
    h[:, 2, 3] += 1.0
    changed = np.any(likelihood(h)["logits"].numpy() != logits, axis=(0, 3))
    assert np.argwhere(changed).tolist() == [[2, 3]]


@pytest.mark.parametrize("shape", [(11,), (30, 7), (3, 5, 2, 7)], ids=str)
def test_features_of_another_rank_are_flattened(shape):
    likelihood = kv.likelihoods.Bernoulli((6, 5, 2))
    h = features(*shape)
    kernel, bias = (likelihood(h), likelihood.get_weights())[1]
    assert kernel.shape == (np.prod(shape), 60)
    expected = (h.reshape(4, -1) @ kernel + bias).reshape(4, 6, 5, 2)
    np.testing.assert_allclose(likelihood(h)["logits"], expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 5, 7), (5, 6, 7)], ids=str)
def test_features_of_the_events_rank_and_another_size_are_refused(shape):
    with pytest.raises(ValueError, match=r"must have shape \(batch, 6, 5, channels\) .* crop or pad it"):
        kv.likelihoods.Bernoulli((6, 5, 2))(features(*shape))


@pytest.mark.parametrize("kind", ["categorical", "gaussian_per_dimension", "student_t_per_dimension"])
def test_several_numbers_an_element_need_no_other_decoder(kind):
    decoder = kv.networks.ConvDecoder((4,), event_shape=(6, 5, 2))
    h = decoder(features(3))
    parameters = KINDS[kind]((6, 5, 2))(h)
    assert {value.shape[1:4] for value in parameters.values()} == {(6, 5, 2)}


@pytest.mark.parametrize("kind", ["bernoulli", "continuous_bernoulli", "gaussian"])
def test_without_a_projection_the_decoders_output_is_the_parameter(kind):
    likelihood = KINDS[kind]((6, 5, 2), projection=None)
    h = features(6, 5, 2)
    parameters = likelihood(h)
    np.testing.assert_array_equal(next(iter(parameters.values())), h)
    assert likelihood.weights == []


def test_without_a_projection_a_categorical_takes_a_logit_for_each_category():
    likelihood = kv.likelihoods.Categorical((4, 2), 3, projection=None)
    h = features(4, 2, 3)
    np.testing.assert_array_equal(likelihood(h)["logits"], h)


@pytest.mark.parametrize("kind", ["bernoulli", "gaussian", "categorical"])
def test_without_a_projection_an_output_of_another_shape_is_refused(kind):
    likelihood = KINDS[kind]((6, 5, 2), projection=None)
    expected = r"\(batch, 6, 5, 2, 3\)" if kind == "categorical" else r"\(batch, 6, 5, 2\)"
    with pytest.raises(ValueError, match=rf"The decoder's output must have shape {expected} for .*\(4, 6, 5, 3\)"):
        likelihood(features(6, 5, 3))


def test_samples_in_front_of_the_batch_need_nothing_of_a_likelihood():
    likelihood = kv.likelihoods.Bernoulli((5,))
    logits = tf.reshape(likelihood(features(11))["logits"], [2, 2, 5])
    distribution = likelihood.distribution({"logits": logits})
    assert distribution.batch_shape == (2, 2) and distribution.event_shape == (5,)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("kind", KINDS)
def test_parameters_and_log_prob_are_float32_under_mixed_precision(kind, policy):
    likelihood = KINDS[kind]((4, 3), dtype=policy)
    parameters = likelihood(tf.cast(features(11), likelihood.compute_dtype))
    assert {value.dtype for value in parameters.values()} == {tf.float32}
    x = likelihood.observe(np.eye(3)[np.zeros((4, 4, 3), int)] if kind == "one_hot" else np.zeros((4, 4, 3)))
    assert likelihood.distribution(parameters).log_prob(x).dtype == tf.float32


def test_what_a_decoder_gives_in_float32_is_not_rounded_under_mixed_precision():
    h = 70_000.0 + features(4, 3)  # more than float16 can hold
    likelihood = kv.likelihoods.Gaussian((4, 3), projection=None, dtype="mixed_float16")
    np.testing.assert_array_equal(likelihood.mean(likelihood(h)), h)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"event_shape": ()}, r"`event_shape` must be a tuple of positive integers without the batch"),
        ({"event_shape": (28, 0)}, r"`event_shape` must be a tuple .* Received: event_shape=\(28, 0\)"),
        ({"event_shape": (None, 3)}, r"`event_shape` must be a tuple"),
        ({"event_shape": (3,), "projection": "dense"}, r"`projection` must be one of \['auto', None\].*'dense'"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kv.likelihoods.Bernoulli(**arguments)
