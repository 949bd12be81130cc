"""The autoregressive Bernoulli likelihood: the chain rule is normalised and is what samples follow."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

import keras_vae as kv


def all_images(event_shape):
    """All binary images of a shape."""
    size = math.prod(event_shape)
    return ((np.arange(2**size)[:, None] >> np.arange(size)) & 1).astype(float).reshape(-1, *event_shape)


BINARY = all_images((3, 2, 1))  # 64


def likelihood(event_shape=(3, 2, 1), *, window=1, filters=4, dtype="float64", seed=0, **options):
    """A likelihood of numbers that are given as they are, whose network is not 0."""
    made = kv.likelihoods.AutoregressiveBernoulli(
        event_shape, window=window, filters=filters, projection=None, dtype=dtype, **options
    )
    made.build((1, *event_shape, made.numbers_per_element)[: 4 + bool(made.features)])
    generator = np.random.default_rng(seed)
    for weight in made.weights:
        weight.assign(generator.normal(size=weight.shape))
    return made


def parameters_of(made, *leading):
    """Some parameters, with leading axes."""
    height, width, channels = made.event_shape
    generator = np.random.default_rng(3)
    parameters = {"logits": tf.constant(generator.normal(size=(*leading, height, width, channels)))}
    if made.features:
        shape = (*leading, height, width, channels * made.features)
        parameters["features"] = tf.constant(generator.normal(size=shape))
    return parameters


with_and_without_features = pytest.mark.parametrize(("features", "depth"), [(0, 0), (2, 0), (0, 2), (2, 2)])
with_and_without_blocks = pytest.mark.parametrize(
    ("event_shape", "block", "features", "depth"),
    [
        *[((3, 2, 1), 1, features, depth) for features in (0, 2) for depth in (0, 2)],
        ((2, 4, 1), 2, 0, 2),
        ((4, 2, 1), 2, 2, 0),
        ((2, 2, 2), 2, 2, 2),
        ((3, 3, 1), 3, 0, 0),
    ],
)


@with_and_without_blocks
def test_probabilities_of_all_images_sum_to_one(event_shape, block, features, depth):
    made = likelihood(event_shape, depth=depth, features=features, block=block)
    log_prob = made.distribution(parameters_of(made, 1)).log_prob(all_images(event_shape))
    assert np.exp(log_prob).sum() == pytest.approx(1.0, rel=1e-12)
    assert np.ptp(log_prob) > 1.0


@pytest.mark.parametrize(("policy", "rounding"), [("mixed_float16", 2**-11), ("mixed_bfloat16", 2**-8)])
def test_further_layers_are_rounded_under_mixed_precision_and_probabilities_still_sum_to_one(policy, rounding):
    exact, rounded = (likelihood(depth=2, features=2, dtype=dtype) for dtype in ("float32", policy))
    parameters = {name: tf.cast(value, tf.float32) for name, value in parameters_of(exact, 1).items()}
    log_prob = rounded.distribution(parameters).log_prob(BINARY)
    assert log_prob.dtype == tf.float32
    assert np.exp(log_prob.numpy().astype(float)).sum() == pytest.approx(1.0, rel=1e-5)
    features = tf.repeat(parameters["features"], 64, 0)
    x = tf.constant(BINARY, tf.float32)
    contexts = [made.context(x, features).numpy() for made in (exact, rounded)]
    assert 0 < np.abs(contexts[1] - contexts[0]).max() < 4 * rounding * np.abs(contexts[0]).max()


@with_and_without_blocks
def test_samples_come_as_often_as_their_probability_says(event_shape, block, features, depth):
    made = likelihood(event_shape, depth=depth, features=features, block=block)
    distribution, images = made.distribution(parameters_of(made)), all_images(event_shape)
    probabilities = np.exp(distribution.log_prob(images))
    samples = distribution.sample(20_000, seed=1).numpy()
    codes = 2 ** np.arange(math.prod(event_shape))  # by which `all_images` has them in order
    counts = np.bincount((samples.reshape(len(samples), -1) @ codes).astype(int), minlength=len(images))
    often = probabilities > 5 / 20_000
    expected = np.append(20_000 * probabilities[often], 20_000 * probabilities[~often].sum())
    assert scipy.stats.chisquare(np.append(counts[often], counts[~often].sum()), expected).pvalue > 1e-3


def steps(rows, columns, reach, *, itself):
    """Which place (first axis) a masked convolution of that reach takes which place (second axis) from."""
    row, column = (index.ravel() for index in np.indices((rows, columns)))
    up, right = row[:, None] - row, column - column[:, None]
    before = (up > 0) | ((up == 0) & ((right <= 0) if itself else (right < 0)))
    return before & (up <= reach) & (np.abs(right) <= reach)


def places_seen(rows, columns, window, depth):
    """Which place sees which, by following the convolutions within the image."""
    seen = steps(rows, columns, window, itself=False)
    for _ in range(depth):
        seen = steps(rows, columns, 1, itself=True) @ seen
    return seen


@pytest.mark.parametrize(("window", "depth"), [(2, 0), (1, 1), (1, 2)])
def test_a_pixel_sees_the_window_before_it_and_nothing_else(window, depth):
    made, height, width = likelihood((6, 7, 1), window=window, filters=16, depth=depth), 6, 7
    x = np.random.default_rng(1).integers(0, 2, (1, height, width, 1)).astype(float)
    before, expected = made.context(x).numpy(), places_seen(height, width, window, depth)
    for row, column in [(0, 0), (2, 3), (5, 6)]:
        changed = x.copy()
        changed[0, row, column] = 1 - changed[0, row, column]
        seen = np.abs(made.context(changed).numpy() - before)[0, :, :, 0] > 1e-12
        np.testing.assert_array_equal(seen.ravel(), expected[:, row * width + column])


@pytest.mark.parametrize(("window", "depth"), [(1, 0), (1, 1)])
def test_with_blocks_a_pixel_sees_squares_before_its_own_and_what_is_before_it_there(window, depth):
    made = likelihood((6, 8, 1), window=window, filters=16, depth=depth, block=2)
    x = np.random.default_rng(1).integers(0, 2, (1, 6, 8, 1)).astype(float)
    before = made.context(x).numpy()
    rows, columns = np.indices((6, 8))
    place, turn = rows // 2 * 4 + columns // 2, rows % 2 * 2 + columns % 2
    expected = places_seen(3, 4, window, depth)
    for row, column in [(0, 0), (2, 3), (3, 4), (5, 7)]:
        changed = x.copy()
        changed[0, row, column] = 1 - changed[0, row, column]
        seen = np.abs(made.context(changed).numpy() - before)[0, :, :, 0] > 1e-12
        within = (place == place[row, column]) & (turn > turn[row, column])
        np.testing.assert_array_equal(seen, expected[place, place[row, column]] | within)


@with_and_without_features
def test_it_begins_as_the_bernoulli_of_the_same_logits(features, depth):
    made = kv.likelihoods.AutoregressiveBernoulli((3, 2, 1), projection=None, depth=depth, features=features)
    plain = kv.likelihoods.Bernoulli((3, 2, 1), projection=None)
    numbers = np.random.default_rng(3).normal(size=(64, 3, 2, 1, 1 + features)).astype("float32")
    values, x = numbers[..., 0], BINARY.astype("float32")
    parameters = made(numbers if features else values)
    np.testing.assert_allclose(
        made.distribution(parameters).log_prob(x), plain.distribution(plain(values)).log_prob(x), rtol=1e-5
    )
    np.testing.assert_allclose(made.mean(parameters), plain.mean(plain(values)), atol=1e-6)


@with_and_without_blocks
def test_the_mean_gives_each_pixel_the_probabilities_of_those_before_it(event_shape, block, features, depth):
    made = likelihood(event_shape, depth=depth, features=features, block=block)
    parameters = parameters_of(made, 5)
    mean = made.mean(parameters).numpy()
    context = made.context(mean, parameters.get("features"))
    np.testing.assert_allclose(mean, scipy.special.expit(parameters["logits"] + context), rtol=1e-10)


@with_and_without_blocks
def test_many_samples_of_z_share_one_look_at_x(event_shape, block, features, depth):
    made = likelihood(event_shape, depth=depth, features=features, block=block)
    x = all_images(event_shape)[-7:-3]
    parameters = parameters_of(made, 7, 4)
    log_prob = made.distribution(parameters).log_prob(x)
    for number, expected in enumerate(log_prob):
        each = {name: value[number] for name, value in parameters.items()}
        np.testing.assert_allclose(made.distribution(each).log_prob(x), expected, rtol=1e-10)


def test_features_change_what_a_pixel_makes_of_those_before_it():
    made = likelihood(features=2)
    parameters = parameters_of(made, 1)
    other = parameters | {"features": -parameters["features"]}
    seen = made.context(BINARY, tf.repeat(parameters["features"], 64, 0))
    changed = made.context(BINARY, tf.repeat(other["features"], 64, 0))
    assert np.ptp(seen - changed, axis=0).max() > 0.1  # not by a constant that the logits could hold
    assert (
        np.abs(made.distribution(parameters).log_prob(BINARY) - made.distribution(other).log_prob(BINARY)).max() > 0.1
    )


def test_memory_is_planned_for_the_hidden_layers_where_each_sample_has_its_own():
    arguments = {"event_shape": (28, 28, 1), "filters": 32}
    assert kv.likelihoods.AutoregressiveBernoulli(**arguments).working_numbers == 28 * 28
    assert kv.likelihoods.AutoregressiveBernoulli(**arguments, features=2).working_numbers == 28 * 28 * 32
    assert kv.likelihoods.AutoregressiveBernoulli(**arguments, features=2, block=2).working_numbers == 14 * 14 * 4 * 16


@pytest.mark.soak
def test_it_learns_stripes_of_which_the_latents_know_nothing():
    generator = np.random.default_rng(0)
    x = np.repeat(generator.integers(0, 2, (512, 6, 1, 1)), 6, axis=2).astype("float32")  # each row all 0 or all 1
    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder((8,)),
        posterior=kv.posteriors.DiagonalGaussian(1),
        decoder=kv.networks.MLPDecoder((8,)),
        likelihood=kv.likelihoods.AutoregressiveBernoulli((6, 6, 1), window=1, filters=8),
        seed=0,
    )
    vae.compile("adam", steps_per_execution=8)
    vae.optimizer.learning_rate = 0.02
    vae.fit(np.tile(x, (25, 1, 1, 1)), batch_size=64, verbose=0)
    elbo = vae.evaluate(x, return_dict=True, verbose=0)["elbo"]
    assert -6 * np.log(2) * 1.15 < elbo <= -6 * np.log(2) + 0.1  # six coins, which is all that is random
    images = vae.likelihood.distribution(vae.likelihood(vae.decoder(np.zeros((50, 1))))).sample(seed=2).numpy()
    assert np.mean(images == images[:, :, :1]) > 0.98


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"event_shape": (4,)}, "`event_shape` must be"),
        ({"event_shape": (4, 4, 1), "window": 0}, "`window` must be"),
        ({"event_shape": (4, 4, 1), "filters": 0}, "`filters` must be"),
        ({"event_shape": (4, 4, 1), "depth": -1}, "`depth` must be"),
        ({"event_shape": (4, 4, 1), "features": -1}, "`features` must be"),
        ({"event_shape": (4, 4, 1), "block": 0}, "`block` must be"),
        ({"event_shape": (4, 6, 1), "block": 4}, "`block` must divide the image's height and width, 4 and 6"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kv.likelihoods.AutoregressiveBernoulli(**arguments)


@pytest.mark.parametrize("features", [0, 2])
def test_a_look_without_its_features_is_refused(features):
    made = likelihood(features=features)
    given = None if features else tf.zeros((64, 3, 2, 2), tf.float64)
    with pytest.raises(ValueError, match="`features` must"):
        made.context(BINARY, given)
