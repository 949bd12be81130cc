"""The autoregressive Bernoulli likelihood: the chain rule is normalised and is what samples follow."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

import keras_vae as kv

BINARY = np.array(np.meshgrid(*[[0.0, 1.0]] * 6)).reshape(6, -1).T.reshape(-1, 3, 2, 1)  # all 64 images of 3 x 2


def likelihood(event_shape=(3, 2, 1), *, window=1, seed=0, **options):
    """A likelihood of logits that are given as they are, whose network is not 0."""
    made = kv.likelihoods.AutoregressiveBernoulli(
        event_shape, window=window, filters=4, projection=None, dtype="float64", **options
    )
    made(np.zeros((1, *event_shape)))
    generator = np.random.default_rng(seed)
    for weight in made.weights:
        weight.assign(generator.normal(size=weight.shape))
    return made


def logits(n=1, event_shape=(3, 2, 1)):
    return np.random.default_rng(3).normal(size=(n, *event_shape))


def test_probabilities_of_all_images_sum_to_one():
    made = likelihood()
    log_prob = made.distribution({"logits": tf.constant(logits())}).log_prob(BINARY)
    assert np.exp(log_prob).sum() == pytest.approx(1.0, rel=1e-12)
    assert np.ptp(log_prob) > 1.0


def test_samples_come_as_often_as_their_probability_says():
    distribution = likelihood().distribution({"logits": tf.constant(logits()[0])})
    probabilities = np.exp(distribution.log_prob(BINARY))
    samples = distribution.sample(20_000, seed=1).numpy()
    codes = 2 ** np.arange(6)
    counts = np.bincount((samples.reshape(-1, 6) @ codes).astype(int), minlength=64)
    counts = counts[(BINARY.reshape(-1, 6) @ codes).astype(int)]
    often = probabilities > 5 / 20_000
    expected = np.append(20_000 * probabilities[often], 20_000 * probabilities[~often].sum())
    assert scipy.stats.chisquare(np.append(counts[often], counts[~often].sum()), expected).pvalue > 1e-3


def test_a_pixel_sees_the_window_before_it_and_nothing_else():
    made, height, width, window = likelihood((6, 7, 1), window=2), 6, 7, 2
    x = np.random.default_rng(1).integers(0, 2, (1, height, width, 1)).astype(float)
    before = made.context(x).numpy()
    for row, column in [(0, 0), (2, 3), (5, 6)]:
        changed = x.copy()
        changed[0, row, column] = 1 - changed[0, row, column]
        seen = np.abs(made.context(changed).numpy() - before)[0, :, :, 0] > 1e-12
        rows, columns = np.indices((height, width))
        after = (rows > row) | ((rows == row) & (columns > column))
        near = (rows - row <= window) & (np.abs(columns - column) <= window)
        assert not (seen & ~(after & near)).any()
        assert seen.sum() >= 0.5 * (after & near).sum()  # some rectified units are off


def test_it_begins_as_the_bernoulli_of_the_same_logits():
    made = kv.likelihoods.AutoregressiveBernoulli((3, 2, 1), projection=None)
    plain = kv.likelihoods.Bernoulli((3, 2, 1), projection=None)
    values, x = logits(64).astype("float32"), BINARY.astype("float32")
    np.testing.assert_allclose(
        made.distribution(made(values)).log_prob(x), plain.distribution(plain(values)).log_prob(x), rtol=1e-5
    )
    np.testing.assert_allclose(made.mean(made(values)), plain.mean(plain(values)), atol=1e-6)


def test_the_mean_gives_each_pixel_the_probabilities_of_those_before_it():
    made, values = likelihood(), logits(5)
    mean = made.mean({"logits": tf.constant(values)}).numpy()
    np.testing.assert_allclose(mean, scipy.special.expit(values + made.context(mean)), rtol=1e-10)


def test_many_samples_of_z_share_one_look_at_x():
    made, x = likelihood(), BINARY[:4]
    values = np.random.default_rng(5).normal(size=(7, 4, 3, 2, 1))
    log_prob = made.distribution({"logits": tf.constant(values)}).log_prob(x)
    for each, expected in zip(values, log_prob, strict=True):
        np.testing.assert_allclose(made.distribution({"logits": tf.constant(each)}).log_prob(x), expected, rtol=1e-10)


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
    vae.fit(x, batch_size=64, epochs=25, verbose=0)
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
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kv.likelihoods.AutoregressiveBernoulli(**arguments)
