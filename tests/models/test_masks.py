"""A mask: the likelihood scores what is observed, and nothing sees what is not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.again import Again
from tests.linear_gaussian import LinearGaussian, linear_vae, randomize_posterior
from tests.models.conftest import binary, hierarchy, small_vae
from tests.soaked import soaked

MODEL = LinearGaussian.draw()
X = MODEL.sample(12, seed=0).astype("float32")
MASK = (np.random.default_rng(1).random(X.shape) < 0.6).astype("float32")
MASK[:, 0] = 1.0


def hidden_changed():
    """Return other values where the mask hides them, NaN among them."""
    other = np.where(MASK, X, np.float32(77.0))
    other[MASK == 0] = np.nan
    return other


def exact_log_evidence():
    """Return log p of what is observed of each row: a Gaussian's marginal."""
    return MODEL.log_evidence_observed(X, MASK.astype(bool))


@pytest.mark.parametrize("method", soaked(["importance", "prior", "ais"], quick=["importance", "prior"]))
def test_the_evidence_is_that_of_what_is_observed(method):
    vae = linear_vae(MODEL, kv.posteriors.DiagonalGaussian)
    vae.posterior.set_weights([np.zeros(weight.shape) for weight in vae.posterior.weights])  # q is the prior
    data, options = {"x": X, "mask": MASK}, {"num_steps": 200} if method == "ais" else {}
    number = 64 if method == "ais" else 50_000
    found = kv.evaluation.log_evidence(vae, data, number, method, seed=0, **options)
    np.testing.assert_allclose(found, exact_log_evidence(), atol=0.25)
    assert found.mean() == pytest.approx(exact_log_evidence().mean(), abs=0.08)


def test_the_elbo_is_below_the_evidence_of_what_is_observed():
    vae = linear_vae(MODEL, kv.posteriors.DiagonalGaussian)
    randomize_posterior(vae, seed=2)
    found = kv.evaluation.evaluate_vae(vae, {"x": X, "mask": MASK}, 5000, elbo_samples=500, seed=0)
    assert found.elbo < exact_log_evidence().mean() < found.elbo + found.gap + 0.2


@pytest.mark.parametrize("make", soaked([small_vae, hierarchy], quick=[small_vae]), ids=["flat", "hierarchical"])
def test_nothing_depends_on_what_is_hidden(make):
    keras.utils.set_random_seed(0)
    vae = make(event_shape=(5,), likelihood=kv.likelihoods.Gaussian((5,), scale="optimal"))
    vae.compile(keras.optimizers.Adam(1e-3))
    again = Again(vae)

    def answers(x):
        again()
        data = {"x": x, "mask": MASK}
        history = vae.fit(data, epochs=2, batch_size=5, verbose=0).history
        stream = vae.fit(tf.data.Dataset.from_tensor_slices(data).batch(5), verbose=0).history
        found = [history, stream, vae.evaluate(data, verbose=0), vae.get_weights(), vae.encode(data)]
        return [*found, vae.score(data, seed=0), kv.evaluation.log_evidence(vae, data, 5, seed=0)]

    tf.nest.map_structure(np.testing.assert_array_equal, answers(X), answers(hidden_changed()))


def test_a_mask_of_ones_is_no_mask():
    vae, x = small_vae(), binary(20)
    everything = {"x": x, "mask": np.ones_like(x)}
    np.testing.assert_allclose(vae.score(everything, seed=0)["elbo"], vae.score(x, seed=0)["elbo"], rtol=1e-5)


def test_padding_is_a_mask_of_time_steps_and_its_length_does_not_matter():
    def elbo(length):
        x = np.zeros((3, length, 2), "float32")
        x[:, :4] = np.random.default_rng(0).normal(size=(3, 4, 2))
        mask = np.zeros((3, length), bool)
        mask[:, :4] = True
        likelihood = kv.likelihoods.Gaussian((length, 2), scale=0.5, projection=None)
        parameters = {"mean": tf.zeros([3, length, 2]), "scale": tf.constant(0.5)}
        return likelihood.log_prob(parameters, tf.constant(x), tf.constant(mask)).numpy()

    np.testing.assert_allclose(elbo(4), elbo(9), rtol=1e-6)


REFUSED = {
    "another shape": ({"mask": np.ones((12, 4))}, "`mask` must have the shape of an event"),
    "other values": ({"mask": 0.5 * np.ones((12, 5))}, "`mask` must hold 1 where"),
    "too few rows": ({"mask": np.ones((7, 5))}, "`mask` must have one row for each of the 12 examples"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_mask_that_does_not_fit_is_refused(case):
    fields, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        linear_vae(MODEL, kv.posteriors.DiagonalGaussian).encode({"x": X, **fields})


def test_a_likelihood_that_does_not_score_single_elements_refuses_a_mask():
    vae = small_vae((2, 3, 1), likelihood=kv.likelihoods.AutoregressiveBernoulli((2, 3, 1), window=1, filters=2))
    x = binary(4, (2, 3, 1))
    with pytest.raises(ValueError, match="`mask` must be left out for the likelihood AutoregressiveBernoulli"):
        vae.encode({"x": x, "mask": np.ones_like(x)})


def test_nan_without_a_mask_is_refused_and_under_one_it_is_not():
    vae = linear_vae(MODEL, kv.posteriors.DiagonalGaussian)
    with pytest.raises(ValueError, match="`x` must be finite. Received: NaN"):
        vae.encode(hidden_changed())
    with pytest.raises(ValueError, match="`x` must be finite where the mask is 1"):
        vae.encode({"x": np.full_like(X, np.nan), "mask": MASK})
    assert np.isfinite(vae.encode({"x": hidden_changed(), "mask": MASK})).all()
