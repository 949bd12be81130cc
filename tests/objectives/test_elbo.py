"""The evidence lower bound, by hand from records that are made by hand."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

import keras_vae as kv
from keras_vae.core import Latent
from tests import oracles, records

tfd = tfp.distributions
BATCH, LATENT, SIZE = 4, 2, 3


def normal(mean, scale, event_dims=1):
    return tfd.Independent(tfd.Normal(tf.convert_to_tensor(mean, tf.float64), scale), event_dims)


def draw(num_samples=1, seed=0):
    """Numbers that a record is made of: x, the likelihood's mean, q's mean and scale."""
    generator = np.random.default_rng(seed)
    x, decoded = generator.normal(size=(BATCH, SIZE)), generator.normal(size=(num_samples, BATCH, SIZE))
    return x, decoded, generator.normal(size=(BATCH, LATENT)), np.exp(generator.normal(size=(BATCH, LATENT)))


def record_of(x, decoded, mean, scale, *, sample_weight=None, seed=0):
    posterior = normal(mean, scale)
    z = posterior.sample(len(decoded), seed=np.int32([seed, 1]))
    latent = Latent(z, posterior, normal(np.zeros(LATENT), np.ones(LATENT)))
    return records.record_of(tf.constant(x), normal(decoded, 0.5), (latent,), sample_weight=sample_weight)


def distortion_by_hand(x, decoded):
    return -scipy.stats.norm(decoded, 0.5).logpdf(x).sum(axis=-1).mean(axis=0)


def rates_by_hand(mean, scale):
    return 0.5 * (mean**2 + scale**2 - 1 - np.log(scale**2))


@pytest.mark.parametrize("num_samples", [1, 5])
def test_terms_are_distortion_rate_and_their_negative_sum(num_samples):
    numbers = draw(num_samples)
    terms = kv.objectives.ELBO(num_samples=num_samples)(record_of(*numbers), step=0, training=True)
    distortion, rate = distortion_by_hand(*numbers[:2]), rates_by_hand(*numbers[2:]).sum(axis=-1)
    np.testing.assert_allclose(terms.logs["reconstruction_loss"], distortion, rtol=1e-10)
    np.testing.assert_allclose(terms.logs["kl_loss"], rate, rtol=1e-10)
    np.testing.assert_allclose(terms.logs["elbo"], -(distortion + rate), rtol=1e-10)
    np.testing.assert_allclose(terms.loss, distortion + rate, rtol=1e-10)
    assert "beta" not in terms.logs


@pytest.mark.parametrize("beta", [0, 0.5, 4.0, np.float32(2.0)])
def test_beta_weighs_the_rate_in_the_loss_and_nowhere_else(beta):
    record = record_of(*draw())
    plain, weighted = (kv.objectives.ELBO(b)(record, step=0, training=True) for b in (1.0, beta))
    np.testing.assert_allclose(
        weighted.loss, plain.logs["reconstruction_loss"] + float(beta) * plain.logs["kl_loss"], rtol=1e-12
    )
    for name in ("reconstruction_loss", "kl_loss", "elbo"):
        np.testing.assert_array_equal(weighted.logs[name], plain.logs[name])


def test_a_scheduled_beta_is_read_at_the_step_and_logged():
    record = record_of(*draw())
    objective = kv.objectives.ELBO(kv.schedules.LinearSchedule(0.0, 4.0, steps=8))
    step = tf.Variable(0, dtype=tf.int64)
    compiled = tf.function(lambda: objective(record, step=step, training=True))
    for number, beta in ((0, 0.0), (2, 1.0), (8, 4.0), (50, 4.0)):
        step.assign(number)
        terms = compiled()
        assert float(terms.logs["beta"]) == beta
        np.testing.assert_allclose(
            terms.loss, terms.logs["reconstruction_loss"] + beta * terms.logs["kl_loss"], rtol=1e-12
        )
        np.testing.assert_allclose(
            terms.logs["elbo"], -(terms.logs["reconstruction_loss"] + terms.logs["kl_loss"]), rtol=1e-12
        )


@pytest.mark.parametrize("objective", [kv.objectives.ELBO(), kv.objectives.ELBO(kv.schedules.ConstantSchedule(2.0))])
def test_the_weight_is_logged_where_it_is_scheduled(objective):
    terms = objective(record_of(*draw()), step=0, training=False)
    names = ["reconstruction_loss", "kl_loss", "elbo"] + ["beta"] * objective.is_scheduled
    assert list(terms.logs) == names


def test_monte_carlo_is_the_log_ratio_at_the_decoders_samples():
    record = record_of(*draw(num_samples=3))
    latent = record.latents[0]
    terms = kv.objectives.ELBO(kl="monte_carlo", num_samples=3)(record, step=0, training=True)
    mean, scale, z = latent.posterior.mean().numpy(), latent.posterior.stddev().numpy(), latent.z.numpy()
    ratio = scipy.stats.norm(mean, scale).logpdf(z) - scipy.stats.norm.logpdf(z)
    np.testing.assert_allclose(terms.logs["kl_loss"], ratio.sum(axis=-1).mean(axis=0), rtol=1e-10)


def test_monte_carlo_agrees_with_the_closed_form_within_its_standard_error():
    x, decoded, mean, scale = draw()
    copies = 5000
    x, decoded, mean, scale = (np.concatenate([v] * copies, axis=-2) for v in (x, decoded, mean, scale))
    record = record_of(x, decoded, mean, scale)
    estimate, exact = (
        kv.objectives.ELBO(kl=kl)(record, step=0, training=True) for kl in ("monte_carlo", "closed_form")
    )
    estimate, exact = ({"loss": terms.loss, **terms.logs} for terms in (estimate, exact))
    for name in ("loss", "kl_loss", "elbo"):
        draws = tf.reshape(estimate[name], [copies, BATCH])
        oracles.assert_mean_within_standard_errors(draws, exact[name][:BATCH].numpy())


def test_several_latents_add_their_rates():
    record = record_of(*draw())
    twice = record._replace(latents=record.latents * 2)
    one, two = (kv.objectives.ELBO()(r, step=0, training=True) for r in (record, twice))
    np.testing.assert_allclose(two.logs["kl_loss"], 2 * one.logs["kl_loss"], rtol=1e-12)


def test_a_closed_form_that_does_not_exist_is_not_replaced_in_silence():
    record = record_of(*draw())
    mixture = tfd.MixtureSameFamily(tfd.Categorical(np.zeros(2)), normal(np.zeros((2, LATENT)), np.ones((2, LATENT))))
    record = record._replace(latents=(record.latents[0]._replace(prior=mixture),))
    with pytest.raises(NotImplementedError, match=r'Independent\(Normal\) and MixtureSameFamily.*kl="monte_carlo"'):
        kv.objectives.ELBO()(record, step=0, training=True)
    assert np.all(np.isfinite(kv.objectives.ELBO(kl="monte_carlo")(record, step=0, training=True).loss))


# q's parameters for free bits: the mean rate of the first dimension is far above one nat, of the second below.
MEANS = np.array([[3.0, 0.3], [-2.0, 0.1], [2.5, -0.2], [4.0, 0.0]])
SCALES = np.tile([0.5, 0.9], (BATCH, 1))
WEIGHTS = np.array([1.0, 2.0, 0.0, 0.5])


def with_free_bits(means, *, free_bits=1.0, beta=1.0, sample_weight=None):
    x, decoded, _, _ = draw()
    posterior = normal(means, SCALES)
    latent = Latent(means[None], posterior, normal(np.zeros(LATENT), np.ones(LATENT)))
    record = records.record_of(tf.constant(x), normal(decoded, 0.5), (latent,), sample_weight=sample_weight)
    return kv.objectives.ELBO(beta, free_bits=free_bits)(record, step=0, training=True)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
@pytest.mark.parametrize("beta", [1.0, 3.0])
def test_free_bits_charge_each_dimension_the_larger_of_the_floor_and_its_mean_rate(beta, weights):
    terms = with_free_bits(MEANS, beta=beta, sample_weight=None if weights is None else tf.constant(weights))
    mean_rates = np.average(rates_by_hand(MEANS, SCALES), axis=0, weights=weights)
    assert mean_rates[0] > 1.0 > mean_rates[1]
    charge = np.average(terms.loss - terms.logs["reconstruction_loss"], weights=weights)
    assert charge == pytest.approx(beta * np.sum(np.maximum(1.0, mean_rates)), rel=1e-10)


def test_free_bits_are_not_in_the_logged_rate_and_bound():
    with_floor, without = with_free_bits(MEANS), with_free_bits(MEANS, free_bits=0.0)
    np.testing.assert_array_equal(with_floor.logs["kl_loss"], without.logs["kl_loss"])
    np.testing.assert_array_equal(with_floor.logs["elbo"], without.logs["elbo"])
    assert not np.allclose(with_floor.loss, without.loss)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
def test_free_bits_stop_the_gradient_below_the_floor_and_leave_it_whole_above(weights):
    means = tf.constant(MEANS)
    weights = tf.ones([BATCH], tf.float64) if weights is None else tf.constant(weights)
    with tf.GradientTape() as tape:
        tape.watch(means)
        loss = tf.reduce_sum(weights * with_free_bits(means, sample_weight=weights).loss) / tf.reduce_sum(weights)
    gradient = tape.gradient(loss, means).numpy()
    np.testing.assert_allclose(gradient[:, 0], MEANS[:, 0] * weights / tf.reduce_sum(weights), rtol=1e-10)
    np.testing.assert_array_equal(gradient[:, 1], np.zeros(BATCH))


def test_the_floor_is_for_the_mean_and_not_for_each_example():
    # Dimension 0 has one example below a nat and others far above: it keeps its own rate, and its gradient.
    means = MEANS.copy()
    means[1, 0] = 0.0
    rates = rates_by_hand(means, SCALES)
    assert rates[1, 0] < 1.0 < rates[:, 0].mean()
    terms = with_free_bits(means)
    np.testing.assert_allclose(terms.loss - terms.logs["reconstruction_loss"], rates[:, 0] + 1.0, rtol=1e-10)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"beta": -1.0}, ValueError, r"`beta` must be >= 0. Received: beta=-1.0"),
        ({"beta": float("nan")}, ValueError, r"`beta` must be a finite number. Received: beta=nan"),
        ({"beta": "4"}, TypeError, r"`beta` must be a number or a `keras_vae.schedules.Schedule`. Received: beta='4'"),
        ({"beta": lambda step: 1.0}, TypeError, r"`beta` must be a number or a `keras_vae.schedules.Schedule`"),
        ({"kl": "exact"}, ValueError, r"`kl` must be one of \['closed_form', 'monte_carlo'\]. Received: kl='exact'"),
        ({"free_bits": -0.1}, ValueError, r"`free_bits` must be >= 0. Received: free_bits=-0.1"),
        ({"free_bits": 0.1, "kl": "monte_carlo"}, ValueError, r"`free_bits` must be 0 with kl=\"monte_carlo\""),
        ({"num_samples": 0}, ValueError, r"`num_samples` must be >= 1. Received: num_samples=0"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kv.objectives.ELBO(**arguments)


def test_free_bits_need_factorized_gaussians():
    record = record_of(*draw())
    posterior = tfd.MultivariateNormalDiag(np.zeros((BATCH, LATENT)), np.ones(LATENT))
    record = record._replace(latents=(record.latents[0]._replace(posterior=posterior),))
    with pytest.raises(NotImplementedError, match=r"only for factorized Gaussians.*MultivariateNormalDiag"):
        kv.objectives.ELBO(free_bits=0.5)(record, step=0, training=True)
