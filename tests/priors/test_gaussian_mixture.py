"""The learned mixture of Gaussians."""

import keras
import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

import keras_vae as kv
from tests.models.conftest import binary, small_vae


def mixture_vae(**parts):
    parts = {"objective": kv.objectives.ELBO(kl="monte_carlo"), "prior": kv.priors.GaussianMixture(3), **parts}
    return small_vae(**parts)


def test_log_prob_is_scipys_at_any_weights():
    prior = kv.priors.GaussianMixture(4, dtype="float64")
    prior.build((None, 3))
    generator = np.random.default_rng(0)
    means, log_vars, logits = (generator.normal(size=weight.shape) for weight in prior.get_weights())
    prior.set_weights([means, log_vars, logits])
    z = generator.normal(size=(5, 2, 3))
    components = scipy.stats.norm.logpdf(z[..., None, :], means, np.exp(0.5 * log_vars)).sum(axis=-1)
    expected = scipy.special.logsumexp(components + scipy.special.log_softmax(logits), axis=-1)
    np.testing.assert_allclose(prior(z), expected, rtol=1e-12)


@pytest.mark.parametrize(("log_var", "taken"), [(-15.0, -15.0), (-60.0, -20.0), (-200.0, -20.0), (200.0, 10.0)])
def test_log_variances_are_bounded_in_density_and_samples(log_var, taken):
    prior = kv.priors.GaussianMixture(1)
    prior.build((None, 1))
    prior.means.assign([[3.0]])
    prior.log_vars.assign([[log_var]])
    scale = np.exp(0.5 * taken)
    z = np.float32(3.0 + scale * np.linspace(-2, 2, 5)[:, None])
    expected = scipy.stats.norm.logpdf(z.astype("float64"), 3.0, scale)[:, 0]
    np.testing.assert_allclose(prior(z), expected, rtol=1e-6)
    draws = prior.sample(2_000, seed=np.int32([1, 2])).numpy().astype("float64")
    assert np.std(draws) == pytest.approx(scale, rel=0.1)


@pytest.mark.parametrize("log_var", [-30.0, -60.0])
@pytest.mark.parametrize(("num_components", "latent_dim"), [(1, 1), (100, 4)])
def test_the_density_at_a_mean_is_exact_where_a_wider_range_allows_narrow_components(
    num_components, latent_dim, log_var
):
    prior = kv.priors.GaussianMixture(num_components, log_var_range=(-70.0, 10.0))
    prior.build((None, latent_dim))
    means = 3.0 + np.arange(num_components)[:, None] * np.ones(latent_dim)
    prior.means.assign(means)
    prior.log_vars.assign(np.full(means.shape, log_var))
    expected = latent_dim * (-0.5 * np.log(2 * np.pi) - 0.5 * log_var) - np.log(num_components)
    np.testing.assert_allclose(prior(tf.constant(means, tf.float32)), expected, rtol=1e-6)


@pytest.mark.parametrize(("log_var", "z"), [(-60.0, 3.01), (-200.0, 4.0), (30.0, 3.1)])
def test_training_leads_log_variances_back_into_their_range(log_var, z):
    prior = kv.priors.GaussianMixture(1)
    prior.build((None, 1))
    prior.means.assign([[3.0]])
    prior.log_vars.assign([[log_var]])
    with tf.GradientTape() as tape:
        loss = -tf.reduce_sum(prior(tf.constant([[z]])))
    gradient = tape.gradient(loss, prior.log_vars).numpy().item()
    assert np.isfinite(gradient) and np.sign(gradient) == np.sign(log_var)


def test_the_range_is_in_the_config_and_configs_without_it_load():
    prior = kv.priors.GaussianMixture(3, log_var_range=(-6.0, 2.0))
    config = prior.get_config()
    assert kv.priors.GaussianMixture.from_config(config).log_var_range == (-6.0, 2.0)
    del config["log_var_range"]
    assert kv.priors.GaussianMixture.from_config(config).log_var_range == (-20.0, 10.0)


def test_it_begins_with_unit_variances_equal_weights_and_means_as_spread_says():
    prior = kv.priors.GaussianMixture(2_000, spread=3.0)
    prior.build((None, 3))
    means, log_vars, logits = prior.get_weights()
    assert np.std(means) == pytest.approx(3.0, rel=0.05) and np.mean(means) == pytest.approx(0.0, abs=0.2)
    assert not np.any(log_vars) and not np.any(logits)


def test_one_component_in_the_middle_is_the_standard_normal():
    prior = kv.priors.GaussianMixture(1, spread=0.0, dtype="float64")
    z = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(prior(z), scipy.stats.norm.logpdf(z).sum(axis=-1), rtol=1e-12)


def test_maximum_likelihood_finds_two_clusters():
    generator = np.random.default_rng(0)
    z = np.concatenate([generator.normal(-2.0, 0.3, (300, 1)), generator.normal(3.0, 0.6, (100, 1))]).astype("float32")
    prior = kv.priors.GaussianMixture(2)
    prior.build(z.shape)
    optimizer = keras.optimizers.Adam(0.05)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(prior(z))
        optimizer.apply_gradients(
            zip(tape.gradient(loss, prior.trainable_variables), prior.trainable_variables, strict=True)
        )

    optimizer.build(prior.trainable_variables)
    for _ in range(300):
        step()
    means, log_vars, logits = (np.squeeze(weight) for weight in prior.get_weights())
    order = np.argsort(means)
    np.testing.assert_allclose(means[order], [z[:300].mean(), z[300:].mean()], atol=0.02)
    np.testing.assert_allclose(np.exp(0.5 * log_vars[order]), [z[:300].std(), z[300:].std()], rtol=0.03)
    np.testing.assert_allclose(scipy.special.softmax(logits[order]), [0.75, 0.25], atol=0.01)


def test_a_model_learns_it_saves_it_and_generates_from_it(tmp_path):
    x, vae = binary(64), mixture_vae()
    vae.compile(keras.optimizers.Adam(0.01))
    before = vae.prior.get_weights()
    vae.fit(x, batch_size=16, epochs=2, verbose=0)
    assert all(np.any(new != old) for new, old in zip(vae.prior.get_weights(), before, strict=True))
    vae.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.evaluate(x, verbose=0), vae.evaluate(x, verbose=0), rtol=1e-6)
    np.testing.assert_allclose(loaded.generate(5, seed=1), vae.generate(5, seed=1), atol=1e-6)


def test_the_closed_form_is_refused_by_name():
    with pytest.raises(NotImplementedError, match=r'DiagonalGaussianMixture. Use Monte Carlo: `ELBO\(kl="monte_c'):
        mixture_vae(objective=kv.objectives.ELBO()).compile("adam")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: kv.priors.GaussianMixture(0), r"`num_components` must be >= 1. Received: num_components=0"),
        (lambda: kv.priors.GaussianMixture(2, spread=-1.0), r"`spread` must be >= 0. Received: spread=-1.0"),
        (lambda: kv.priors.GaussianMixture(2, log_var_range=(1.0, -1.0)), r"`log_var_range` must be"),
        (lambda: kv.priors.GaussianMixture(2).distribution(), r"`GaussianMixture` must be built .* latent_dim=None"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
