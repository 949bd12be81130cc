"""The variational mixture of posteriors."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import keras_vae as kv
from tests.models.conftest import binary, small_vae
from tests.soaked import soaked

X = binary(67)


def vamp_vae(prior=None, **parts):
    objective = kv.objectives.ELBO(kl="monte_carlo")
    return small_vae(**{"prior": prior or kv.priors.VampPrior(5, stddev=0.2), "objective": objective, **parts})


def built(vae):
    vae.build()
    return vae


@pytest.mark.parametrize("posterior", [kv.posteriors.DiagonalGaussian, kv.posteriors.FullCovarianceGaussian])
def test_log_prob_is_the_average_of_the_pseudo_inputs_posteriors(posterior):
    vae = built(vamp_vae(posterior=posterior(3)))
    components = vae.posterior_of(vae.prior.pseudo_inputs)
    z = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    if posterior is kv.posteriors.DiagonalGaussian:
        covariances = [np.diag(variance) for variance in components.variance().numpy()]
    else:
        covariances = components.covariance().numpy()
    densities = [
        scipy.stats.multivariate_normal(mean, covariance).pdf(z)
        for mean, covariance in zip(components.mean().numpy(), covariances, strict=True)
    ]
    log_prob = vae.prior.distribution(posterior_of=vae.posterior_of).log_prob(z)
    np.testing.assert_allclose(log_prob, np.log(np.mean(densities, axis=0)), rtol=1e-4)


def test_pseudo_inputs_are_a_bias_free_map_of_one_hot_codes_through_a_hardtanh():
    prior = built(vamp_vae(kv.priors.VampPrior(500, mean=0.5, stddev=1.0))).prior
    dense = keras.layers.Dense(6, use_bias=False)
    dense.build((None, 500))
    dense.set_weights(prior.get_weights())
    expected = np.clip(dense(np.eye(500, dtype="float32")), 0.0, 1.0)
    np.testing.assert_allclose(prior.pseudo_inputs, expected, rtol=1e-6)
    assert 0.2 < np.mean((expected == 0.0) | (expected == 1.0)) < 0.8


def test_they_begin_as_published():
    prior = built(vamp_vae(kv.priors.VampPrior())).prior
    (values,) = prior.get_weights()
    assert values.shape == (500, 6)
    assert np.mean(values) == pytest.approx(0.05, abs=1e-3) and np.std(values) == pytest.approx(0.01, rel=0.05)


def test_with_all_the_data_as_pseudo_inputs_no_sample_costs_more_than_the_number_of_a_row():
    # The prior is the aggregate posterior then, whose mixture holds each q(z|x) with weight 1/n.
    vae = built(vamp_vae(kv.priors.VampPrior.from_data(X, len(X), seed=0)))
    latent = vae.infer(X, num_samples=20, seed=0).latents[0]
    log_ratio = (latent.posterior.log_prob(latent.z) - latent.prior.log_prob(latent.z)).numpy()
    assert log_ratio.max() <= np.log(67) + 1e-4
    assert log_ratio.mean() > 0.0  # an average KL divergence


def test_from_data_takes_rows_without_replacement_and_by_the_seed():
    x = np.arange(60.0).reshape(10, 6) / 60.0
    first, second, other = (kv.priors.VampPrior.from_data(x, 7, seed=seed) for seed in (1, 1, 2))
    for prior in (first, second, other):
        prior.build((None, 2))
    rows = first.pseudo_inputs.numpy()
    assert len(np.unique(rows[:, 0])) == 7
    assert all(np.any(np.all(np.isclose(x, row), axis=1)) for row in rows)
    np.testing.assert_array_equal(rows, second.pseudo_inputs)
    assert not np.array_equal(rows, other.pseudo_inputs)


def test_gradients_reach_pseudo_inputs_and_encoder_through_the_prior_alone():
    vae = built(vamp_vae(kv.priors.VampPrior.from_data(0.2 + 0.6 * X, 5, seed=0)))
    z = tf.random.stateless_normal([8, 2], [1, 2])
    with tf.GradientTape() as tape:
        log_prob = vae.prior.distribution(posterior_of=vae.posterior_of).log_prob(z)
    variables = vae.prior.trainable_variables + vae.encoder.trainable_variables + vae.posterior.trainable_variables
    assert len(variables) == 5
    for variable, gradient in zip(variables, tape.gradient(log_prob, variables), strict=True):
        assert np.any(np.abs(gradient) > 1e-6), variable.path


@pytest.mark.parametrize("learned", [True, False])
def test_training_moves_pseudo_inputs_if_they_are_learned(learned):
    vae = vamp_vae(kv.priors.VampPrior(5, mean=0.5, learned=learned))
    vae.compile(keras.optimizers.Adam(0.01))
    before = vae.prior.pseudo_inputs.numpy()
    vae.fit(X, verbose=0)
    assert np.array_equal(vae.prior.pseudo_inputs, before) is not learned


def test_batch_normalization_does_not_learn_from_pseudo_inputs():
    def moments(prior):
        keras.utils.set_random_seed(1)
        encoder = keras.Sequential([keras.layers.Dense(8), keras.layers.BatchNormalization()])
        vae = vamp_vae(encoder=encoder, prior=prior)
        vae.build()
        keras.utils.set_random_seed(1)
        encoder.set_weights([np.random.default_rng(0).normal(size=w.shape) ** 2 for w in encoder.get_weights()])
        vae.compile(keras.optimizers.SGD(0.0))
        vae.fit(X, batch_size=16, epochs=2, shuffle=False, verbose=0)
        return encoder.layers[1].moving_mean.numpy(), encoder.layers[1].moving_variance.numpy()

    for with_vamp, without in zip(moments(kv.priors.VampPrior(5)), moments(kv.priors.StandardNormal()), strict=True):
        np.testing.assert_allclose(with_vamp, without, rtol=1e-6)


def test_one_inference_encodes_the_pseudo_inputs_once():
    batches = []

    class Spy(keras.layers.Layer):
        def call(self, x):
            batches.append(x.shape[0])
            return x

    vae = built(vamp_vae(kv.priors.VampPrior(5), encoder=Spy()))
    batches.clear()
    record = vae.infer(X[:8], num_samples=3, seed=0)
    vae.objective(record, step=0, training=False)
    assert batches == [8, 5]


@pytest.mark.soak
def test_a_saved_model_evaluates_and_generates_the_same(tmp_path):
    vae = vamp_vae(kv.priors.VampPrior.from_data(X, 5))
    vae.compile(keras.optimizers.Adam(0.01))
    vae.fit(X, batch_size=16, epochs=2, verbose=0)
    vae.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.prior.pseudo_inputs, vae.prior.pseudo_inputs)
    np.testing.assert_allclose(loaded.evaluate(X, verbose=0), vae.evaluate(X, verbose=0), rtol=1e-6)
    np.testing.assert_allclose(loaded.generate(5, seed=1), vae.generate(5, seed=1), atol=1e-6)
    for each in (vae, loaded):
        each.fit(X, batch_size=16, epochs=3, initial_epoch=2, verbose=0)
    for one, resumed in zip(vae.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_allclose(resumed, one, atol=1e-6)


@pytest.mark.parametrize("posterior", [kv.posteriors.DiagonalGaussian, kv.posteriors.FullCovarianceGaussian])
def test_samples_have_the_moments_of_the_mixture(posterior):
    vae = built(vamp_vae(kv.priors.VampPrior(5, mean=0.5, stddev=2.0), posterior=posterior(3)))
    z = vae.prior.sample(20_000, seed=tf.constant([1, 2]), posterior_of=vae.posterior_of).numpy()
    components = vae.posterior_of(vae.prior.pseudo_inputs)
    mean = np.mean(components.mean(), axis=0)
    assert np.all(np.abs(z.mean(axis=0) - mean) < 4 * z.std(axis=0) / np.sqrt(len(z)))
    squares = np.mean(components.variance() + tf.square(components.mean()), axis=0)
    assert np.all(np.abs((z**2).mean(axis=0) - squares) < 4 * (z**2).std(axis=0) / np.sqrt(len(z)))


def test_generating_encodes_a_pseudo_input_for_each_observation_and_no_more():
    batches = []

    class Spy(keras.layers.Layer):
        def call(self, x):
            tf.py_function(lambda x: batches.append(len(x)), [x], [])
            return x

    vae = built(vamp_vae(kv.priors.VampPrior(50), encoder=Spy()))
    batches.clear()
    vae.generate(3, seed=0)
    assert batches == [3]


def test_generated_observations_repeat_with_the_seed():
    vae = vamp_vae()
    one, two, other = (vae.generate(20, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.soak
def test_a_compiled_step_is_the_uncompiled_one():
    def trained(jit_compile):
        keras.utils.set_random_seed(1)
        # Stateless noise differs under XLA, so there is none.
        vae = vamp_vae(posterior=WithoutNoise(2))
        vae.compile(keras.optimizers.SGD(0.05), jit_compile=jit_compile)
        vae.fit(X[:64], batch_size=16, verbose=0)
        return vae.get_weights()

    for one, two in zip(trained(True), trained(False), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


class WithoutNoise(kv.posteriors.DiagonalGaussian):
    """A Gaussian whose draws are its mean, so that runs with other noise compare."""

    def sample(self, parameters, num_samples, seed):
        return tf.tile(parameters["mean"][None], [num_samples, 1, 1])


@pytest.mark.soak
def test_two_replicas_train_as_one_on_the_whole_batch():
    def trained(num_replicas):
        strategy = tf.distribute.MirroredStrategy(
            [f"CPU:{i}" for i in range(num_replicas)], tf.distribute.ReductionToOneDevice()
        )
        with strategy.scope():
            keras.utils.set_random_seed(1)
            vae = vamp_vae(posterior=WithoutNoise(2))
            vae.compile(keras.optimizers.SGD(0.05))
        vae.fit(kv.data.pipeline(X, batch_size=16, shuffle=True, seed=3), epochs=2, verbose=0)
        return vae.get_weights()

    one, two = trained(1), trained(2)
    assert {weight.shape for weight in one} >= {(5, 6)}
    for weight_1, weight_2 in zip(one, two, strict=True):
        np.testing.assert_allclose(weight_1, weight_2, atol=2e-5)


@pytest.mark.parametrize("policy", soaked(["mixed_float16", "mixed_bfloat16"], quick=["mixed_float16"]))
def test_half_precision_trains_and_keeps_the_density_in_float32(policy):
    keras.config.set_dtype_policy(policy)
    vae = vamp_vae()
    vae.compile("adam")
    assert np.isfinite(vae.fit(X, verbose=0).history["loss"]).all()
    assert vae.prior.distribution(posterior_of=vae.posterior_of).dtype == tf.float32


@pytest.mark.soak
def test_observations_of_other_ranges_and_of_one_hot_codes_are_taken():
    pixels = np.random.default_rng(0).integers(0, 4, (32, 5, 3))
    likelihood = kv.likelihoods.Categorical((5, 3), 4)
    integers = vamp_vae(kv.priors.VampPrior(5, value_range=(0.0, 3.0)), likelihood=likelihood)
    likelihood = kv.likelihoods.Categorical((5, 3), 4, encoding="one_hot")
    one_hot = vamp_vae(kv.priors.VampPrior(5), likelihood=likelihood)
    for vae, x in ((integers, pixels), (one_hot, np.eye(4, dtype="float32")[pixels])):
        vae.compile("adam")
        vae.fit(x, verbose=0)
        assert vae.prior.pseudo_inputs.shape == (5, *x.shape[1:])
    prior = kv.priors.VampPrior.from_data(np.float32([[-9.0], [9.0]]), 2, value_range=None)
    prior.build((None, 1))
    assert sorted(prior.pseudo_inputs.numpy().ravel()) == [-9.0, 9.0]


def test_the_shape_that_the_model_filled_in_is_in_the_config():
    vae = vamp_vae()
    assert vae.prior.get_config()["x_shape"] == (6,)


def test_the_closed_form_is_refused_by_name():
    with pytest.raises(NotImplementedError, match=r'Mixture. Use Monte Carlo: `ELBO\(kl="monte_carlo"\)`'):
        vamp_vae(objective=kv.objectives.ELBO()).compile("adam")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: kv.priors.VampPrior(0), r"`num_components` must be >= 1. Received: num_components=0"),
        (lambda: kv.priors.VampPrior(stddev=-1), r"`stddev` must be >= 0. Received: stddev=-1"),
        (lambda: kv.priors.VampPrior(value_range=(1, 0)), r"`value_range` must be a pair .* value_range=\(1, 0\)"),
        (lambda: kv.priors.VampPrior(x_shape=(28, 0)), r"`x_shape` must be a tuple .* Received: x_shape=\(28, 0\)"),
        (lambda: kv.priors.VampPrior().build((None, 2)), r"`x_shape` must be known .* Received: x_shape=None"),
        (lambda: vamp_vae(kv.priors.VampPrior(x_shape=(7,))), r"must agree with .*\(6,\). Received: x_shape=\(7,\)"),
        (lambda: built(vamp_vae()).prior.distribution(), r"`posterior_of` must be .* Received: posterior_of=None"),
        (lambda: kv.priors.VampPrior.from_data(X, 68), r"`num_components` must be at most .* 67. Received: .*=68"),
        (lambda: kv.priors.VampPrior.from_data(255 * X, 5), r"`x` must be in \[0, 1\] .* Received: .* from 0 to 255"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
