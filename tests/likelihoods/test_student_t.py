"""The Student-t likelihood against SciPy, and the evidence of a small model against quadrature."""

import keras
import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

import keras_vae as kv

EVENT = (3, 2)
MODES = [2.5, "learned", "per_dimension"]


def draw(batch=4, seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(batch, 7)), 3.0 * generator.standard_t(2.0, size=(batch, *EVENT))


def fresh(dtype="float64", **arguments):
    """Build a likelihood on seven features whose weights are all of some size."""
    likelihood = kv.likelihoods.StudentT(EVENT, dtype=dtype, **arguments)
    likelihood.build((None, 7))
    generator = np.random.default_rng(1)
    likelihood.set_weights([0.5 * generator.normal(size=weight.shape) for weight in likelihood.weights])
    return likelihood


def scipys(likelihood, features):
    """Return SciPy's distribution of the elements, from the weights by NumPy."""
    *shared, kernel, bias = likelihood.get_weights()
    location, *raw = np.moveaxis((features @ kernel + bias).reshape(len(features), *EVENT, -1), -1, 0)
    scale, degrees = likelihood.scale, likelihood.degrees_of_freedom
    if isinstance(scale, str):
        scale = likelihood.minimum_scale + np.exp(raw.pop(0) if scale == "per_dimension" else shared.pop(0))
    if isinstance(degrees, str):
        degrees = 1.0 + 3.0 * np.exp(raw.pop(0) if degrees == "per_dimension" else shared.pop(0))
    assert raw == shared == []
    return scipy.stats.t(degrees, location, scale)


@pytest.mark.parametrize("degrees_of_freedom", MODES)
@pytest.mark.parametrize("scale", MODES)
def test_log_prob_is_scipys(scale, degrees_of_freedom):
    likelihood = fresh(scale=scale, degrees_of_freedom=degrees_of_freedom, minimum_scale=0.1)
    features, x = draw()
    expected = scipys(likelihood, features).logpdf(x)
    parameters = likelihood(features)
    np.testing.assert_allclose(likelihood.log_prob(parameters, x), expected.sum(axis=(1, 2)), rtol=1e-9)
    mask = np.random.default_rng(0).integers(0, 2, x.shape)
    masked = likelihood.log_prob(parameters, np.where(mask, x, np.nan), mask)
    np.testing.assert_allclose(masked, (mask * expected).sum(axis=(1, 2)), rtol=1e-9)


def test_with_many_degrees_of_freedom_it_is_the_gaussian_and_with_one_the_cauchy_distribution():
    features, x = draw()
    for degrees, expected in [(1e7, scipy.stats.norm), (1.0, scipy.stats.cauchy)]:
        likelihood = fresh(degrees_of_freedom=degrees, scale=2.0)
        parameters = likelihood(features)
        log_prob = expected(parameters["location"], 2.0).logpdf(x).sum(axis=(1, 2))
        np.testing.assert_allclose(likelihood.log_prob(parameters, x), log_prob, rtol=1e-5)


def test_an_outlier_costs_a_logarithm_where_the_gaussian_charges_a_square():
    likelihood = kv.likelihoods.StudentT((1,), projection=None, dtype="float64")
    cost = -likelihood.log_prob(likelihood(np.zeros((2, 1))), np.array([[1e3], [1e6]])).numpy()
    assert cost[1] - cost[0] == pytest.approx(5 * np.log(1e3), rel=1e-4)  # (v + 1) log of the ratio


@pytest.mark.parametrize("x", [0.0, 1e-20, 1e4, 1e18, -1e18])
@pytest.mark.parametrize("raw", [-1e4, 0.0, 1e4])
def test_values_and_gradients_stay_finite_in_the_extremes(x, raw):
    settings = {"scale": "learned", "degrees_of_freedom": "learned"}
    likelihood = kv.likelihoods.StudentT((1,), projection=None, **settings)
    location = tf.zeros([1, 1])
    likelihood.build((None, 1))
    for weight in likelihood.weights:
        weight.assign(raw)
    with tf.GradientTape() as tape:
        tape.watch(location)
        log_prob = likelihood.log_prob(likelihood(location), tf.constant([[x]]))
    gradients = tape.gradient(log_prob, [location, *likelihood.trainable_variables])
    assert len(gradients) == 3
    assert np.all(np.isfinite(log_prob)) and all(np.all(np.isfinite(gradient)) for gradient in gradients)


def test_gradients_are_the_finite_differences_of_scipys_density():
    likelihood = fresh(scale="learned", degrees_of_freedom="learned")
    features, x = draw()
    with tf.GradientTape() as tape:
        log_prob = tf.reduce_sum(likelihood.log_prob(likelihood(features), x))
    for variable, gradient in zip(
        likelihood.trainable_variables, tape.gradient(log_prob, likelihood.trainable_variables), strict=True
    ):
        place = (0,) * len(variable.shape)
        value, step, found = np.asarray(variable), 1e-5, []
        for sign in (1, -1):
            moved = value.copy()
            moved[place] += sign * step
            variable.assign(moved)
            found.append(scipys(likelihood, features).logpdf(x).sum())
        variable.assign(value)
        assert np.asarray(gradient)[place] == pytest.approx((found[0] - found[1]) / (2 * step), rel=1e-6)


def test_single_precision_keeps_its_digits_within_the_range_of_learned_degrees_of_freedom():
    likelihood = kv.likelihoods.StudentT((1,), degrees_of_freedom="learned", projection=None)
    likelihood.build((None, 1))
    x = np.linspace(0.0, 30.0, 50, dtype="float32")[:, None]
    for raw in (-9.0, -3.0, 0.0, 3.0, 6.0, 9.0):
        likelihood.raw_degrees_of_freedom.assign(raw)
        expected = scipy.stats.t(1.0 + 3.0 * np.exp(raw)).logpdf(x[:, 0].astype("float64"))
        np.testing.assert_allclose(likelihood.log_prob(likelihood(0.0 * x), x), expected, rtol=3e-6, atol=3e-6)


def test_learned_scale_and_degrees_of_freedom_find_those_of_the_data():
    likelihood = kv.likelihoods.StudentT(
        (1,), scale="learned", degrees_of_freedom="learned", projection=None, dtype="float64"
    )
    likelihood.build((None, 1))
    x = 0.3 * np.random.default_rng(0).standard_t(3.0, size=(20_000, 1))
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build(likelihood.trainable_variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            parameters = likelihood(np.zeros_like(x))
            loss = -tf.reduce_mean(likelihood.log_prob(parameters, x))
        optimizer.apply(tape.gradient(loss, likelihood.trainable_variables), likelihood.trainable_variables)
        return parameters

    for _ in range(150):
        parameters = step()
    degrees, location, scale = scipy.stats.t.fit(x[:, 0], floc=0.0)
    assert location == 0.0
    assert float(parameters["scale"]) == pytest.approx(scale, rel=1e-3) == pytest.approx(0.3, rel=0.05)
    assert float(parameters["degrees_of_freedom"]) == pytest.approx(degrees, rel=1e-2) == pytest.approx(3.0, rel=0.1)


def test_degrees_of_freedom_begin_at_four_and_the_scale_as_the_gaussians():
    likelihood = kv.likelihoods.StudentT(EVENT, scale="learned", degrees_of_freedom="learned")
    parameters = likelihood(np.zeros((1, 7), "float32"))
    assert float(parameters["degrees_of_freedom"]) == 4.0
    gaussian = kv.likelihoods.Gaussian(EVENT, scale="learned")
    assert float(parameters["scale"]) == float(gaussian(np.zeros((1, 7), "float32"))["scale"])


def test_samples_follow_scipys_distribution():
    likelihood = kv.likelihoods.StudentT((1,), degrees_of_freedom=3.0, scale=0.5, projection=None)
    x = likelihood.sample(likelihood(np.full((20_000, 1), 2.0, "float32")), tf.constant([1, 2])).numpy()
    assert x.shape == (20_000, 1)
    assert scipy.stats.kstest(x[:, 0], scipy.stats.t(3.0, 2.0, 0.5).cdf).pvalue > 1e-3


def test_the_mean_is_the_location_and_refused_where_there_is_none():
    features, _ = draw()
    for degrees in (1.5, "learned", "per_dimension"):
        likelihood = fresh(degrees_of_freedom=degrees)
        parameters = likelihood(features)
        np.testing.assert_array_equal(likelihood.mean(parameters), parameters["location"])
    likelihood = fresh(degrees_of_freedom=1.0)
    parameters = likelihood(features)
    np.testing.assert_array_equal(likelihood.expected(parameters), parameters["location"])
    with pytest.raises(ValueError, match=r"`mean` must be called .* > 1.* median. Received: degrees_of_freedom=1.0"):
        likelihood.mean(parameters)


@pytest.mark.parametrize("method", ["importance", "prior"])
def test_the_evidence_of_a_small_model_is_the_integral(method):
    vae = kv.VAE(
        encoder=keras.layers.Dense(4, activation="tanh", dtype="float64"),
        posterior=kv.posteriors.DiagonalGaussian(1, dtype="float64"),
        decoder=keras.layers.Dense(2, dtype="float64"),
        likelihood=kv.likelihoods.StudentT((2,), degrees_of_freedom=3.0, scale=0.7, projection=None, dtype="float64"),
        prior=kv.priors.StandardNormal(dtype="float64"),
        seed=0,
        dtype="float64",
    )
    vae.build()
    weights, offset = np.array([[1.2, -0.8]]), np.array([0.3, 0.5])
    vae.decoder.set_weights([weights, offset])
    x = np.array([[0.1, 0.4], [2.0, -1.0], [-4.0, 3.0]])
    z, step = np.linspace(-9.0, 9.0, 4001, retstep=True)  # the trapezoidal rule of a smooth function that ends in zeros
    log_joint = scipy.stats.norm.logpdf(z)[:, None] + scipy.stats.t(3.0, scale=0.7).logpdf(
        x - (z[:, None] @ weights + offset)[:, None]
    ).sum(-1)
    expected = scipy.special.logsumexp(log_joint, axis=0) + np.log(step)
    found = kv.evaluation.log_evidence(vae, x, num_samples=50_000, method=method, seed=0)
    np.testing.assert_allclose(np.asarray(found), expected, atol=0.03)


@pytest.mark.soak
def test_outliers_do_not_pull_the_reconstruction_as_they_pull_the_gaussians():
    generator = np.random.default_rng(0)
    clean = np.repeat(generator.normal(size=(256, 1)), 8, axis=1).astype("float32")
    x = clean + 0.1 * generator.normal(size=clean.shape).astype("float32")
    x[generator.random(x.shape) < 0.05] += 20.0
    errors = {}
    for likelihood in (kv.likelihoods.Gaussian, kv.likelihoods.StudentT):
        keras.utils.set_random_seed(0)
        vae = kv.VAE(
            encoder=kv.networks.MLPEncoder((16,), activation="tanh"),
            posterior=kv.posteriors.DiagonalGaussian(1),
            decoder=keras.layers.Dense(8),
            likelihood=likelihood((8,), scale="learned", projection=None),
            seed=0,
        )
        vae.compile(keras.optimizers.Adam(0.02), jit_compile=False)
        vae.fit(x, batch_size=256, steps_per_epoch=200, verbose=0)
        errors[likelihood.__name__] = np.median(np.abs(vae.reconstruct(x) - clean))
    assert errors["StudentT"] < 0.5 * errors["Gaussian"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"degrees_of_freedom": 0.0}, r"`degrees_of_freedom` must be > 0. Received: degrees_of_freedom=0.0"),
        ({"degrees_of_freedom": "many"}, r"`degrees_of_freedom` must be a number > 0 or one of \['learned'"),
        ({"scale": -1.0}, r"`scale` must be > 0. Received: scale=-1.0"),
        ({"scale": "optimal"}, r"`scale` must be a number > 0 or one of .* Received: scale='optimal'"),
        ({"minimum_scale": 0.0}, r"`minimum_scale` must be > 0"),
        ({"degrees_of_freedom": "per_dimension", "projection": None}, r'`projection` must be "auto" for .* degrees'),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kv.likelihoods.StudentT(EVENT, **arguments)
