"""What the contract holds parts against: each check takes a part, fresh from its constructor, and measures it by SciPy.

A new likelihood, posterior or prior brings a density: a function in NumPy and SciPy, without code of the package.
The rest, shapes, masks, seeds and moments, is checked alike for all.
"""

import itertools

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import Latent, fold_in
from tests import oracles, records

tfd = tfp.distributions
SEED = tf.constant([3, 1])
BATCH = 4


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def as_numpy(parameters):
    return {name: np.asarray(value) for name, value in parameters.items()}


def of_elements(density):
    """Check a likelihood by log p(x_d|z), of shape (batch, *event_shape), from parameters and observations in NumPy."""

    def check(likelihood):
        is_direct = likelihood.projection is None
        parameters = likelihood(draw(BATCH, *(likelihood._direct_shapes()[0] if is_direct else (7,))))
        x = likelihood.sample(parameters, SEED).numpy()
        assert x.shape == (BATCH, *likelihood.x_shape)
        likelihood.values.check(x)
        expected = density(as_numpy(parameters), x)
        assert expected.shape == (BATCH, *likelihood.event_shape)
        axes = tuple(range(1, expected.ndim))
        event = likelihood.observe(x)
        np.testing.assert_allclose(likelihood.log_prob(parameters, event), expected.sum(axis=axes), rtol=1e-6)
        for mask in (draw(*expected.shape) > 0, draw(*expected.shape[:2]) > 0):
            observed = np.broadcast_to(mask.reshape(mask.shape + (1,) * (expected.ndim - mask.ndim)), expected.shape)
            masked = likelihood.log_prob(parameters, event, mask.astype("float32"))
            np.testing.assert_allclose(masked, (observed * expected).sum(axis=axes), rtol=1e-6)
        assert likelihood.expected(parameters).shape == (BATCH, *likelihood.x_shape)

    return check


def of_whole_images(likelihood):
    """Check a likelihood of binary images whose pixels depend on each other: its probabilities sum to one."""
    parameters = likelihood(draw(1, *likelihood._direct_shapes()[0]))
    images = np.array(list(itertools.product([0.0, 1.0], repeat=likelihood.event_size)))
    images = images.reshape(-1, *likelihood.event_shape)
    repeated = {name: tf.repeat(value, len(images), axis=0) for name, value in parameters.items()}
    log_probs = likelihood.log_prob(repeated, likelihood.observe(images))
    assert scipy.special.logsumexp(log_probs) == pytest.approx(0.0, abs=1e-6)
    assert not likelihood.scores_elements
    with pytest.raises(ValueError, match=rf"`mask` must be left out .* {type(likelihood).__name__}"):
        likelihood.log_prob(parameters, likelihood.observe(images[:1]), tf.ones([1, *likelihood.event_shape]))


def bernoulli(parameters, x):
    return scipy.stats.bernoulli.logpmf(x, scipy.special.expit(parameters["logits"]))


def continuous_bernoulli(parameters, x):
    logits = parameters["logits"]
    log_p, log_q = -np.logaddexp(0.0, -logits), -np.logaddexp(0.0, logits)
    return x * log_p + (1 - x) * log_q + np.log(logits / np.tanh(logits / 2))


def categorical(parameters, x):
    log_p = scipy.special.log_softmax(parameters["logits"], axis=-1)
    one_hot = x if x.shape == log_p.shape else np.eye(log_p.shape[-1])[x.astype(int)]
    return (one_hot * log_p).sum(axis=-1)


def gaussian(parameters, x):
    return scipy.stats.norm(parameters["mean"], parameters["scale"]).logpdf(x)


def student_t(parameters, x):
    return scipy.stats.t(parameters["degrees_of_freedom"], parameters["location"], parameters["scale"]).logpdf(x)


def of_codes(marginals, log_density=None):
    """Check a posterior by SciPy's distributions of single dimensions, of shape (batch, latent_dim), from parameters.

    Where dimensions are correlated, `log_density` gives log q(z|x) of one row from its parameters.
    """

    def check(posterior):
        parameters = posterior(draw(BATCH, 7))
        numbers = as_numpy(parameters)
        expected, distribution = marginals(numbers), posterior.distribution(parameters)
        assert distribution.batch_shape == (BATCH,) and distribution.event_shape == posterior.latent_shape
        np.testing.assert_allclose(numbers["mean"], expected.mean(), rtol=1e-6)
        np.testing.assert_allclose(distribution.mean(), expected.mean(), rtol=1e-6)
        np.testing.assert_allclose(distribution.stddev(), expected.std(), rtol=1e-6)
        z = posterior.sample(parameters, 4_000, SEED).numpy()
        assert z.shape == (4_000, BATCH, *posterior.latent_shape)
        oracles.assert_mean_within_standard_errors(z, expected.mean(), errors=5.0)
        oracles.assert_mean_within_standard_errors((z - expected.mean()) ** 2, expected.var(), errors=5.0)
        if log_density is None:
            log_probs = expected.logpdf(z).sum(axis=-1)
        else:
            rows = [{name: value[row] for name, value in numbers.items()} for row in range(BATCH)]
            log_probs = np.stack([log_density(one, z[:, row]) for row, one in enumerate(rows)], axis=1)
        np.testing.assert_allclose(distribution.log_prob(z), log_probs, rtol=1e-6)
        np.testing.assert_array_equal(posterior.sample(parameters, 4_000, SEED), z)
        seeds = fold_in(tf.tile(SEED[None], [BATCH, 1]), tf.range(BATCH))
        together = posterior.sample(parameters, 5, seeds)
        alone = posterior.sample({name: value[2:3] for name, value in parameters.items()}, 5, seeds[2:3])
        np.testing.assert_allclose(alone[:, 0], together[:, 2], rtol=1e-6)
        assert np.abs(together[:, 0] - together[:, 1]).min() > 0

    return check


def of_a_point(posterior):
    """Check a code without noise."""
    features = draw(BATCH, 7)
    parameters = posterior(features)
    kernel, bias = posterior.get_weights()
    z = posterior.sample(parameters, 3, SEED)
    np.testing.assert_allclose(z, np.tile(features @ kernel + bias, (3, 1, 1)), rtol=1e-6)
    assert not posterior.is_distribution


def diagonal_gaussian(parameters):
    return scipy.stats.norm(parameters["mean"], np.exp(0.5 * parameters["log_var"]))


def laplace(parameters):
    return scipy.stats.laplace(parameters["mean"], np.exp(parameters["log_scale"]))


def marginals_of_gaussian(parameters):
    return scipy.stats.norm(parameters["mean"], np.sqrt(np.sum(parameters["scale_tril"] ** 2, axis=-1)))


def correlated_gaussian(parameters, z):
    factor = parameters["scale_tril"]
    return scipy.stats.multivariate_normal(parameters["mean"], factor @ factor.T).logpdf(z)


def of_prior(log_density):
    """Check a prior by log p(z) of shape (n,), from the prior and z of shape (n, 3), or (n, 3) and a condition."""

    def check(prior):
        z, condition = draw(BATCH, 3), draw(BATCH, 2, seed=1)
        settings, given = {}, ()
        if prior.is_conditional:
            prior.build((None, 3), (None, 2))
            settings, given = {"condition": tf.constant(condition)}, (condition,)
        else:
            prior.build((None, 3))
        if prior.needs_posterior:
            settings = {"posterior_of": encoded}
        for weight in prior.weights:
            weight.assign(0.5 * draw(*weight.shape, seed=2))
        expected = log_density(prior, z, *given)
        np.testing.assert_allclose(prior.distribution(**settings).log_prob(z), expected, rtol=1e-6)
        assert prior.sample(5, seed=SEED, **settings).shape == (5, *([BATCH] if given else []), 3)

    return check


def encoded(x):
    """Stand for a model's posterior: q(z|x) = N(the first three numbers of x, 0.3^2 I)."""
    mean = tf.reshape(x, [x.shape[0], -1])[:, :3]
    return tfd.Independent(tfd.Normal(mean, 0.3 * tf.ones_like(mean)), 1)


def standard_normal(prior, z):
    return scipy.stats.norm.logpdf(z).sum(axis=-1)


def gaussian_mixture(prior, z):
    means, log_vars, logits = (weight.numpy() for weight in (prior.means, prior.log_vars, prior.logits))
    scale = np.exp(0.5 * np.clip(log_vars, *prior.log_var_range))
    components = scipy.stats.norm(means, scale).logpdf(z[:, None]).sum(axis=-1)
    return scipy.special.logsumexp(components + scipy.special.log_softmax(logits), axis=-1)


def vamp_prior(prior, z):
    pseudo_inputs = prior.unclipped.numpy().reshape(prior.num_components, -1)
    means = np.clip(pseudo_inputs, *prior.value_range)[:, :3]
    components = scipy.stats.norm(means, 0.3).logpdf(z[:, None]).sum(axis=-1)
    return scipy.special.logsumexp(components, axis=-1) - np.log(prior.num_components)


def conditional_gaussian(prior, z, condition):
    kernel, bias = prior.projection.get_weights()
    mean, log_var = np.split(prior.trunk(condition).numpy() @ kernel + bias, 2, axis=-1)
    return scipy.stats.norm(mean, np.exp(0.5 * np.clip(log_var, *prior.log_var_range))).logpdf(z).sum(axis=-1)


def of_codes_of_labels(condition):
    """Check a condition that makes one-hot codes of labels."""
    labels = np.arange(condition.num_classes)[::-1].astype("float32")
    np.testing.assert_array_equal(condition(labels), np.eye(condition.num_classes)[::-1])


def of_codes_as_they_are(condition):
    """Check a condition that hands raw values on."""
    values = draw(BATCH, *condition.value_shape)
    np.testing.assert_array_equal(condition(values), values)


def of_codes_of_a_layer(condition):
    """Check a condition that gives raw values, whole numbers here, to a layer."""
    values = np.arange(BATCH * int(np.prod(condition.value_shape))).reshape(BATCH, *condition.value_shape)
    codes = condition(values.astype("float32")).numpy()
    weights = [weight.numpy() for weight in condition.weights]
    expected = weights[0][values] if condition.integer_valued else values.reshape(BATCH, -1) @ weights[0] + weights[1]
    np.testing.assert_allclose(codes, expected, rtol=1e-6)


def of_steps(formula):
    """Check a schedule by its value, from the schedule's arguments and the step."""

    def check(schedule):
        for step in (0, 1, 4, 9, 13, 200):
            assert float(schedule(step)) == pytest.approx(formula(schedule, step), rel=1e-6), step

    return check


def linear(schedule, step):
    return np.interp(step, [0, schedule.steps], [schedule.start, schedule.end])


def sigmoid(schedule, step):
    share = scipy.special.expit((step - schedule.midpoint) / schedule.width)
    return (1 - share) * schedule.start + share * schedule.end


def cyclical(schedule, step):
    cycle, within = divmod(step, schedule.cycle_steps)
    if schedule.num_cycles is not None and cycle >= schedule.num_cycles:
        return schedule.end
    return np.interp(within, [0, schedule.ramp_fraction * schedule.cycle_steps], [schedule.start, schedule.end])


def of_terms(formula):
    """Check an objective by its terms, from log p(x|z), log p(z) and log q(z|x) of shape (samples, batch), and rates.

    The rates have shape (batch, latent_dim).
    """

    def check(objective):
        samples = objective.num_samples
        x, decoded = draw(BATCH, 3), draw(samples, BATCH, 3, seed=1)
        mean, scale = draw(BATCH, 2, seed=2), np.exp(draw(BATCH, 2, seed=3))
        posterior, prior = (tfd.Independent(tfd.Normal(*p), 1) for p in ((mean, scale), (np.zeros(2), np.ones(2))))
        z = mean + scale * draw(samples, BATCH, 2, seed=4)
        likelihood = tfd.Independent(tfd.Normal(decoded, np.float64(0.5)), 1)
        record = records.record_of(tf.constant(x), likelihood, (Latent(tf.constant(z), posterior, prior),))
        terms = objective(record, step=tf.constant(3), training=True)
        expected = formula(
            objective,
            scipy.stats.norm(decoded, 0.5).logpdf(x).sum(axis=-1),
            scipy.stats.norm.logpdf(z).sum(axis=-1),
            scipy.stats.norm(mean, scale).logpdf(z).sum(axis=-1),
            0.5 * (mean**2 + scale**2 - 1 - np.log(scale**2)),
        )
        found = {"loss": terms.loss, **terms.logs}
        assert set(found) == set(expected)
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-6, err_msg=name)

    return check


def elbo(objective, log_likelihood, log_prior, log_posterior, rates):
    distortion, rate = -log_likelihood.mean(axis=0), rates.sum(axis=-1)
    if objective.kl == "monte_carlo":
        rate = (log_posterior - log_prior).mean(axis=0)
    charged = rate
    if objective.free_bits:
        charged = np.where(rates.mean(axis=0) > objective.free_bits, rates, objective.free_bits).sum(axis=-1)
    beta = linear(objective.beta, 3) if objective.is_scheduled else objective.beta
    terms = {"reconstruction_loss": distortion, "kl_loss": rate, "elbo": -distortion - rate}
    return {"loss": distortion + beta * charged, **terms, **({"beta": beta} if objective.is_scheduled else {})}


def iwelbo(objective, log_likelihood, log_prior, log_posterior, rates):
    log_weights = log_likelihood + log_prior - log_posterior
    bound = scipy.special.logsumexp(log_weights, axis=0) - np.log(objective.num_samples)
    distortion, rate = -log_likelihood.mean(axis=0), (log_posterior - log_prior).mean(axis=0)
    terms = {"reconstruction_loss": distortion, "kl_loss": rate, "elbo": -distortion - rate}
    return {"loss": -bound, "iwelbo": bound, **terms}


def reconstruction(objective, log_likelihood, log_prior, log_posterior, rates):
    return {"loss": -log_likelihood.mean(axis=0), "reconstruction_loss": -log_likelihood.mean(axis=0)}
