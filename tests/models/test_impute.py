"""Imputation: exact where the model is, untouched where x is observed, and the same whatever the batch."""

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

import keras_vae as kv
from keras_vae.models import imputation
from tests import conditional_gaussian
from tests.linear_gaussian import LinearGaussian, linear_vae, randomize_posterior
from tests.models.conftest import hierarchy, small_vae
from tests.oracles import assert_mean_within_standard_errors
from tests.soaked import soaked

MODEL = LinearGaussian.draw()
X = MODEL.sample(8, seed=0)
OBSERVED = np.random.default_rng(3).random(X.shape) < 0.5
OBSERVED[0], OBSERVED[1] = True, False
GAPPY = np.where(OBSERVED, X, np.nan)


def exact_model(missing):
    """Make the exact model, whose q(z|x) is wide and wrong, so that the weights have something to do."""
    vae = linear_vae(MODEL, kv.posteriors.DiagonalGaussian, missing=missing)
    randomize_posterior(vae, seed=2, deviation=0.1, log_var=0.7)
    return vae


@pytest.fixture(scope="module")
def vae():
    return exact_model(missing=True)


@pytest.fixture(params=[2**22, 5 * 300], ids=["one chunk", "several chunks"])
def chunks(request, monkeypatch):
    """Bound memory tightly, or not."""
    monkeypatch.setattr(imputation, "MAX_NUMBERS", request.param)


@pytest.mark.parametrize("missing", [True, False])
def test_the_mean_is_the_exact_conditional_mean(missing, chunks):
    vae = exact_model(missing)
    found = np.stack([vae.impute(GAPPY, num_samples=2000, seed=seed) for seed in range(16)])
    for row in range(1, len(X)):
        mean, _ = MODEL.conditional(X[row], OBSERVED[row])
        assert_mean_within_standard_errors(found[:, row, ~OBSERVED[row]], mean, errors=5.0)


@pytest.mark.parametrize("row", [2, 3])
def test_imputations_have_the_exact_conditional_mean_and_covariance(vae, chunks, row):
    hidden, copies = ~OBSERVED[row], 2000
    assert 1 <= hidden.sum() < len(hidden)
    # The noise of each place is its own, so that copies of an observation have independent imputations.
    found = vae.impute(np.tile(GAPPY[row], (copies, 1)), num_samples=600, sample=True, num_imputations=1, seed=0)
    draws = found[0][:, hidden]
    mean, covariance = MODEL.conditional(X[row], OBSERVED[row])
    assert_mean_within_standard_errors(draws, mean, errors=5.0)
    products = np.einsum("ni,nj->nij", draws - mean, draws - mean)
    assert_mean_within_standard_errors(products, covariance, errors=5.0)


def test_ninety_percent_intervals_cover_ninety_percent(vae):
    x = MODEL.sample(200, seed=5)
    observed = np.random.default_rng(6).random(x.shape) < 0.5
    found = vae.impute(np.where(observed, x, np.nan), num_samples=2000, sample=True, num_imputations=199, seed=0)
    low, high = np.sort(found, axis=0)[[9, 189]]  # between them are 180 of 200 equally probable places
    rows = [
        np.mean((low < x)[row, hidden] & (x < high)[row, hidden]) for row, hidden in enumerate(~observed) if any(hidden)
    ]
    assert_mean_within_standard_errors(rows, 0.9, errors=4.0)


def test_the_mean_of_imputations_is_the_mean(vae):
    found = vae.impute(GAPPY, num_samples=4000, sample=True, num_imputations=400, seed=1)
    assert found.shape == (400, *X.shape)
    mean = vae.impute(GAPPY, num_samples=4000, seed=1)  # of the same z
    error = found.std(axis=0, ddof=1) / np.sqrt(400)
    np.testing.assert_array_less(np.abs(found.mean(axis=0) - mean)[~OBSERVED], 5 * error[~OBSERVED])


@pytest.mark.parametrize("sample", [False, True])
def test_what_is_observed_comes_back_as_it_came(vae, sample):
    found = vae.impute(GAPPY, num_samples=5, sample=sample, seed=0)
    assert found.dtype == "float64"
    np.testing.assert_array_equal(np.broadcast_to(found, (10, *X.shape))[:, OBSERVED], np.tile(X[OBSERVED], (10, 1)))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("sample", [False, True])
def test_a_row_depends_on_the_seed_and_its_place_alone(vae, sample):
    def impute(x, **options):
        return vae.impute(x, num_samples=50, sample=sample, **{"seed": 0, **options})

    expected = impute(GAPPY)
    np.testing.assert_allclose(impute(GAPPY, batch_size=3), expected, rtol=1e-10)
    batches = tf.data.Dataset.from_tensor_slices({"x": X, "mask": OBSERVED}).batch(5)
    np.testing.assert_allclose(impute(batches), expected, rtol=1e-10)
    other = GAPPY.copy()
    other[4] = np.nan
    same = np.arange(len(X)) != 4
    np.testing.assert_allclose(impute(other)[..., same, :], expected[..., same, :], rtol=1e-10)
    assert np.abs(impute(GAPPY, seed=1) - expected)[..., ~OBSERVED].min() > 0
    assert np.abs(impute(GAPPY, seed=None) - expected)[..., ~OBSERVED].min() > 0


def test_memory_is_bounded(vae, monkeypatch):
    monkeypatch.setattr(imputation, "MAX_NUMBERS", 5 * 40)
    decoded, decode = [], type(vae)._decoded

    def noted(self, z, *others):
        decoded.append(np.prod(z[0].shape[:-1]))
        return decode(self, z, *others)

    monkeypatch.setattr(type(vae), "_decoded", noted)
    vae.impute(GAPPY, num_samples=1001, sample=True, num_imputations=90, seed=0)
    vae.impute(GAPPY, num_samples=1001, seed=0)
    assert decoded and max(decoded) <= 40


# ---- other parts --------------------------------------------------------------------------------------------------


def quadrature(vae, x, observed, values):
    """Return E[values(z)|what is observed] on a grid of two latent dimensions; `values` are of shape (points, ...)."""
    side = np.linspace(-5.0, 5.0, 81, dtype="float32")
    z = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    parameters = vae.decoded((z[:, None],))
    log_p = vae.likelihood.log_prob(parameters, vae.likelihood.observe(x), observed.astype("float32")).numpy()
    weights = scipy.special.softmax(log_p.astype("float64") - 0.5 * np.square(z).sum(axis=1)[:, None], axis=0)
    return np.einsum("pn,p...->n...", weights, values(parameters)[:, 0])


def sharpened(vae):
    """Give the decoder weights that say something, and make q the prior, whose weights are bounded."""
    vae.ensure_built()
    vae.posterior.set_weights([np.zeros(weight.shape) for weight in vae.posterior.get_weights()])
    generator = np.random.default_rng(0)
    vae.likelihood.set_weights([generator.normal(0.0, 2.0, weight.shape) for weight in vae.likelihood.get_weights()])
    return vae


def test_binary_data_get_their_exact_probabilities_and_draws():
    vae = sharpened(small_vae((6,), missing=True))
    x = (np.random.default_rng(0).random((5, 6)) < 0.5).astype("float32")
    observed = np.random.default_rng(1).random(x.shape) < 0.5
    exact = quadrature(vae, x, observed, lambda parameters: vae.likelihood.mean(parameters).numpy())
    gappy = np.where(observed, x, np.nan)
    found = np.stack([vae.impute(gappy, num_samples=1000, seed=seed) for seed in range(12)])
    assert_mean_within_standard_errors(found[:, ~observed], exact[~observed], errors=5.0)
    drawn = vae.impute(np.repeat(gappy, 500, axis=0), num_samples=300, sample=True, num_imputations=1, seed=0)[0]
    assert set(np.unique(drawn)) == {0.0, 1.0}
    for row, (hidden, expected) in enumerate(zip(~observed, exact, strict=True)):
        draws = drawn[500 * row : 500 * row + 500, hidden]
        assert_mean_within_standard_errors(draws, expected[hidden], errors=5.0)


@pytest.mark.parametrize("encoding", ["integer", "one_hot"])
def test_categories_get_the_most_probable_one_or_their_probabilities(encoding):
    likelihood = kv.likelihoods.Categorical((5,), 3, encoding=encoding)
    vae = sharpened(small_vae(likelihood=likelihood, missing=True))
    levels = np.random.default_rng(0).integers(0, 3, (20, 5))
    observed = np.random.default_rng(1).random(levels.shape) < 0.5
    x = levels if encoding == "integer" else np.eye(3)[levels]
    exact = quadrature(vae, x, observed, lambda parameters: tf.nn.softmax(parameters["logits"]).numpy())
    found = vae.impute({"x": x, "mask": observed}, num_samples=4000, seed=0)
    drawn = vae.impute({"x": x, "mask": observed}, sample=True, seed=0)
    if encoding == "one_hot":
        np.testing.assert_allclose(found[~observed], exact[~observed], atol=0.05)
        np.testing.assert_allclose(drawn.sum(axis=-1), 1.0)
        return
    top, second = np.sort(exact, axis=-1)[..., :-3:-1].transpose(2, 0, 1)
    clear = ~observed & (top - second > 0.1)
    assert clear.sum() > 20
    np.testing.assert_array_equal(found[clear], exact.argmax(axis=-1)[clear])
    assert set(np.unique(found)) | set(np.unique(drawn)) <= {0.0, 1.0, 2.0}


def model_of(name):
    """Return a model of a kind, and its conditions."""
    keras.utils.set_random_seed(1)
    likelihood = kv.likelihoods.Gaussian((6,), scale=0.5)
    if name == "hierarchy":
        return hierarchy(likelihood=likelihood, missing=True), {}
    if name == "condition":
        return conditional_gaussian.conditional_vae(), {"condition": np.repeat([0, 2], 1000)}
    prior = kv.priors.GaussianMixture(3) if name == "mixture" else kv.priors.VampPrior(3, stddev=1.0, value_range=None)
    return small_vae(
        likelihood=likelihood, prior=prior, objective=kv.objectives.ELBO(kl="monte_carlo"), missing=True
    ), {}


@pytest.mark.parametrize("name", soaked(["mixture", "vamp", "hierarchy", "condition"], quick=["vamp", "hierarchy"]))
def test_where_nothing_is_observed_imputations_are_draws_from_the_model(name):
    vae, condition = model_of(name)
    vae.ensure_built()
    for posterior in (level.posterior for level in vae.levels):
        size = posterior.latent_dim  # q is wide and the same everywhere, so that weights are bounded
        posterior.projection.set_weights([np.zeros(posterior.projection.kernel.shape), np.repeat([0.0, 0.7], size)])
    nothing = {"x": np.full((2000, *vae.event_shape), np.nan), **condition}
    imputed = vae.impute(nothing, num_samples=300, sample=True, num_imputations=1, seed=0)[0]
    generated = vae.generate(2000, **condition, sample=True, seed=1)
    for one, other in ((imputed, generated), (imputed**2, generated**2)):
        for part in np.split(one - other, 2):  # of each condition by itself
            assert_mean_within_standard_errors(part, 0.0, errors=5.0)


@pytest.mark.soak
def test_a_model_that_was_trained_on_gaps_imputes_nearly_as_well_as_the_exact_one():
    keras.utils.set_random_seed(0)
    x = MODEL.sample(1000, seed=1).astype("float32")
    observed = np.random.default_rng(0).random(x.shape) < 0.6
    gappy = np.where(observed, x, np.nan)
    vae = small_vae(
        likelihood=kv.likelihoods.Gaussian((5,), scale="learned"), objective=kv.objectives.IWELBO(5), missing=True
    )
    vae.compile(keras.optimizers.Adam(0.01))
    vae.fit(np.tile(gappy, (30, 1)), verbose=0)  # thirty epochs, as one
    imputed = vae.impute(gappy, num_samples=100, seed=0)
    exact = np.concatenate([MODEL.conditional(*row)[0] for row in zip(x, observed, strict=True)])
    errors = [
        np.mean((values - x[~observed]) ** 2)
        for values in (exact, imputed[~observed], x.mean(axis=0)[np.where(~observed)[1]])
    ]
    best, ours, mean = errors
    assert ours - best < 0.2 * (mean - best)


# ---- refusals -----------------------------------------------------------------------------------------------------

SEQUENTIAL = {"likelihood": lambda: kv.likelihoods.AutoregressiveBernoulli((2, 3, 1), window=1, filters=2)}
POINT = {"posterior": lambda: kv.posteriors.Deterministic(2), "objective": kv.objectives.Reconstruction}
REFUSED = {
    "elements that depend on each other": (
        SEQUENTIAL,
        {},
        "`impute` needs a likelihood .* Received: AutoregressiveBern",
    ),
    "a posterior without a density": (POINT, {}, "`impute` needs a posterior with a density. Received: Deterministic"),
    "no samples": ({}, {"num_samples": 0}, "`num_samples` must be >= 1"),
    "no imputations": ({}, {"sample": True, "num_imputations": 0}, "`num_imputations` must be >= 1"),
    "imputations that are not drawn": (
        {},
        {"num_imputations": 5},
        "`num_imputations` must be left out where nothing is drawn: pass `sample=True`. Received: num_imputations=5",
    ),
    "no batch": ({}, {"batch_size": 0}, "`batch_size` must be >= 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_imputed_is_refused(case):
    parts, options, message = REFUSED[case]
    vae = small_vae(**{name: make() for name, make in parts.items()})
    x = np.full((3, *vae.event_shape), np.nan)
    with pytest.raises(ValueError, match=message):
        vae.impute(x, **options)


def test_a_target_is_refused():
    vae = exact_model(missing=True)
    with pytest.raises(ValueError, match="`target` must be left out of `impute`, which fills in x. Received: a target"):
        vae.impute({"x": GAPPY, "target": X})
