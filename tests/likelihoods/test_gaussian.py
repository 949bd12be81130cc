"""The Gaussian likelihood against SciPy, and its four ways to come by a scale."""

import json

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import keras_vae as kv

EVENT = (3, 2)
SIZE = 6


def direct(scale=1.0, event_shape=EVENT, dtype="float64", **arguments):
    likelihood = kv.likelihoods.Gaussian(event_shape, scale=scale, projection=None, dtype=dtype, **arguments)
    likelihood.build((None, *event_shape))
    return likelihood


def draw(batch=5, num_samples=1, seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(num_samples, batch, *EVENT)), generator.normal(scale=2.0, size=(batch, *EVENT))


def log_prob(likelihood, parameters, x):
    return likelihood.distribution(parameters).log_prob(likelihood.observe(x)).numpy()


def fitted(likelihood, means, x, *, training, sample_weight=None):
    """The parameters of a pass through the model: samples unfolded, the scale fitted to the batch."""
    parameters = likelihood(means.reshape(-1, *EVENT))
    parameters["mean"] = tf.reshape(parameters["mean"], means.shape)
    return likelihood.fit_batch(parameters, likelihood.observe(x), sample_weight=sample_weight, training=training)


@pytest.mark.parametrize("scale", [1.0, 0.1, 7])
def test_with_a_number_log_prob_is_scipys(scale):
    means, x = draw()
    expected = scipy.stats.norm(means[0], scale).logpdf(x).sum(axis=(1, 2))
    np.testing.assert_allclose(log_prob(direct(scale), direct(scale)(means[0]), x), expected, rtol=1e-12)


def test_at_scale_one_it_is_half_the_squared_error_and_a_constant():
    means, x = draw()
    squared_error = np.sum((x - means[0]) ** 2, axis=(1, 2))
    values = -log_prob(direct(), direct()(means[0]), x)
    np.testing.assert_allclose(values - squared_error / 2, np.full(5, SIZE / 2 * np.log(2 * np.pi)), rtol=1e-12)


def test_a_learned_scale_is_a_weight_that_is_bounded_softly_from_below():
    likelihood = direct("learned", minimum_scale=0.05)
    (raw,) = likelihood.trainable_variables
    log_minimum = np.log(0.05)
    for value in (-50.0, log_minimum, 0.0, 3.0):
        raw.assign(value)
        expected = np.exp(log_minimum + np.log1p(np.exp(value - log_minimum)))
        assert float(likelihood.shared_scale()) == pytest.approx(expected, rel=1e-12)
        assert float(likelihood.shared_scale()) >= 0.05
    means, x = draw()
    expected = scipy.stats.norm(means[0], expected).logpdf(x).sum(axis=(1, 2))
    np.testing.assert_allclose(log_prob(likelihood, likelihood(means[0]), x), expected, rtol=1e-10)


def test_a_learned_scale_finds_the_optimum_by_gradient_descent():
    likelihood = direct("learned")
    means, x = draw()
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build(likelihood.trainable_variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(likelihood.distribution(likelihood(means[0])).log_prob(x))
        optimizer.apply(tape.gradient(loss, likelihood.trainable_variables), likelihood.trainable_variables)

    for _ in range(300):
        step()
    assert float(likelihood.shared_scale()) == pytest.approx(np.sqrt(np.mean((x - means) ** 2)), rel=1e-3)


@pytest.mark.parametrize("num_samples", [1, 4])
def test_the_optimal_scale_gives_half_d_times_one_plus_log_two_pi_mse(num_samples):
    likelihood = direct("optimal")
    means, x = draw(num_samples=num_samples)
    loss = -np.mean(log_prob(likelihood, fitted(likelihood, means, x, training=True), x))
    mean_squared_error = np.mean((x - means) ** 2)
    assert loss == pytest.approx(SIZE / 2 * (1 + np.log(2 * np.pi * mean_squared_error)), rel=1e-12)


def test_the_optimal_scale_beats_every_fixed_scale():
    likelihood = direct("optimal")
    means, x = draw()
    best = -np.mean(log_prob(likelihood, fitted(likelihood, means, x, training=True), x))
    optimum = np.sqrt(np.mean((x - means) ** 2))
    for factor in (0.1, 0.5, 0.9, 0.999, 1.001, 1.1, 2.0, 10.0):
        fixed = direct(float(optimum * factor))
        assert -np.mean(log_prob(fixed, fixed(means[0]), x)) > best


def test_the_optimal_scale_weighs_examples():
    likelihood = direct("optimal")
    means, x = draw()
    weights = np.array([1.0, 0.0, 2.0, 0.5, 3.0])
    parameters = fitted(likelihood, means, x, training=True, sample_weight=tf.constant(weights))
    expected = np.average(np.mean((x - means[0]) ** 2, axis=(1, 2)), weights=weights)
    assert float(parameters["scale"]) == pytest.approx(np.sqrt(expected), rel=1e-12)


def test_outside_of_training_one_example_does_not_depend_on_the_others():
    likelihood = direct("optimal")
    means, x = draw()
    fitted(likelihood, means, x, training=True)
    before = likelihood.get_weights()
    whole = log_prob(likelihood, fitted(likelihood, means, x, training=False), x)[0]
    alone = log_prob(likelihood, fitted(likelihood, means[:, :1], x[:1], training=False), x[:1])[0]
    np.testing.assert_allclose(whole[0], alone[0], rtol=1e-12)
    np.testing.assert_array_equal(before, likelihood.get_weights())  # and nothing is remembered


def test_the_stored_scale_is_one_before_training_and_the_average_of_the_batches_after():
    likelihood = direct("optimal")
    assert float(likelihood.shared_scale()) == 1.0
    errors = []
    for seed in range(3):
        means, x = draw(seed=seed)
        fitted(likelihood, means, x, training=True)
        errors.append(np.mean((x - means) ** 2))
    weights = 0.01 * 0.99 ** np.arange(2, -1, -1)  # the moving average, without its bias towards zero
    assert float(likelihood.shared_scale()) == pytest.approx(np.sqrt(np.average(errors, weights=weights)), rel=1e-12)


def test_the_optimal_scale_has_no_gradient_and_no_trainable_weight():
    likelihood = direct("optimal")
    assert likelihood.trainable_variables == [] and len(likelihood.non_trainable_variables) == 2
    means, x = draw()
    means = tf.constant(means)
    with tf.GradientTape() as tape:
        tape.watch(means)
        scale = likelihood.fit_batch({"mean": means}, x, training=True)["scale"]
    assert tape.gradient(scale, means) is None


def test_the_optimal_scale_is_bounded_from_below():
    likelihood = direct("optimal", minimum_scale=0.2)
    _, x = draw()
    parameters = fitted(likelihood, x[None], x, training=True)
    assert float(parameters["scale"]) == pytest.approx(0.2)
    assert float(likelihood.shared_scale()) == pytest.approx(0.2)


def test_calibration_stores_the_scale_of_a_whole_data_set_whatever_its_batches():
    likelihood = direct("optimal")
    means, x = draw(batch=7)
    squares = (x - means[0]) ** 2
    likelihood.calibrate((part.sum(), part.size) for part in (squares[:3], squares[3:6], squares[6:]))
    assert float(likelihood.shared_scale()) == pytest.approx(np.sqrt(squares.mean()), rel=1e-12)
    parameters = fitted(likelihood, means, x, training=False)
    expected = scipy.stats.norm(means[0], np.sqrt(squares.mean())).logpdf(x).sum(axis=(1, 2))
    np.testing.assert_allclose(log_prob(likelihood, parameters, x)[0], expected, rtol=1e-10)


def test_calibration_needs_an_optimal_scale_and_data():
    with pytest.raises(ValueError, match=r'likelihood is `Gaussian\(scale="optimal"\)`. Received: Gaussian'):
        direct(1.0).calibrate([(1.0, 1)])
    with pytest.raises(ValueError, match=r'likelihood is `Gaussian\(scale="optimal"\)`. Received: Bernoulli'):
        kv.likelihoods.Bernoulli((2,)).calibrate([(1.0, 1)])
    with pytest.raises(ValueError, match="`data` must hold at least one example to calibrate on"):
        direct("optimal").calibrate([])


@pytest.mark.parametrize("features", [(3, 5), (7,)], ids=["pointwise", "flattened"])
def test_a_scale_per_dimension_is_found_in_the_decoders_features(features):
    likelihood = kv.likelihoods.Gaussian(EVENT, scale="per_dimension", minimum_scale=0.1, dtype="float64")
    h = np.random.default_rng(0).normal(size=(4, *features))
    parameters = likelihood(h)
    kernel, bias = likelihood.get_weights()
    projected = (h @ kernel + bias).reshape(4, *EVENT, 2)
    scale = np.exp(np.log(0.1) + np.log1p(np.exp(projected[..., 1] - np.log(0.1))))
    np.testing.assert_allclose(parameters["mean"], projected[..., 0], rtol=1e-10)
    np.testing.assert_allclose(parameters["scale"], scale, rtol=1e-10)
    assert np.all(scale >= 0.1) and len(np.unique(scale)) == scale.size
    _, x = draw(batch=4)
    expected = scipy.stats.norm(projected[..., 0], scale).logpdf(x).sum(axis=(1, 2))
    np.testing.assert_allclose(log_prob(likelihood, parameters, x), expected, rtol=1e-10)


def test_a_scale_per_dimension_has_none_that_is_shared():
    likelihood = kv.likelihoods.Gaussian(EVENT, scale="per_dimension")
    with pytest.raises(ValueError, match=r'`shared_scale` must not be called with scale="per_dimension"'):
        likelihood.shared_scale()


@pytest.mark.parametrize("scale", [0.3, "learned", "optimal", "per_dimension"])
def test_the_mean_is_the_mean_and_events_are_unbounded(scale):
    likelihood = kv.likelihoods.Gaussian(EVENT, scale=scale)
    parameters = likelihood(np.ones((4, 7), "float32"))
    np.testing.assert_array_equal(likelihood.mean(parameters), parameters["mean"])
    assert likelihood.support is None and not likelihood.integer_valued


@pytest.mark.parametrize("scale", ["learned", "optimal"])
def test_a_scale_is_among_the_weights(scale):
    likelihood = kv.likelihoods.Gaussian(EVENT, scale=scale)
    likelihood.build((None, 7))
    scalars = [variable for variable in likelihood.variables if variable.shape == ()]
    for value, variable in zip((0.4, 0.1), scalars, strict=False):
        variable.assign(value)
    again = type(likelihood).from_config(json.loads(json.dumps(likelihood.get_config())))
    again.build((None, 7))
    again.set_weights(likelihood.get_weights())
    assert float(again.shared_scale()) == float(likelihood.shared_scale()) != 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": 0.0}, r"`scale` must be > 0. Received: scale=0.0"),
        ({"scale": -1}, r"`scale` must be > 0. Received: scale=-1"),
        ({"scale": "optimum"}, r"`scale` must be a number > 0 or one of \['learned', 'optimal', 'per_dimension'\]"),
        ({"scale": None}, r"`scale` must be a finite number. Received: scale=None"),
        ({"minimum_scale": 0.0}, r"`minimum_scale` must be > 0. Received: minimum_scale=0.0"),
        ({"scale": "per_dimension", "projection": None}, r'`projection` must be "auto" for scale="per_dimension"'),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kv.likelihoods.Gaussian(EVENT, **arguments)
