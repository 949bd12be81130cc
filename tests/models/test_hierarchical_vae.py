"""Several levels of latents: the record, the exact evidence of a linear hierarchy, training and saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

import keras_vae as kv
from tests.models.conftest import binary, hierarchy
from tests.models.test_saving import run_python
from tests.soaked import soaked

X = binary(48)


CASES = [("monte_carlo", (3, 2)), ("closed_form", (4, 3, 2))]


@pytest.mark.parametrize(("kl", "dims"), soaked(CASES, quick=CASES[:1]))
def test_fit_raises_the_elbo(dims, kl):
    vae = hierarchy(dims, objective=kv.objectives.ELBO(kl=kl))
    vae.compile(keras.optimizers.Adam(0.01))
    history = vae.fit(np.tile(X, (8, 1)), epochs=2, batch_size=16, verbose=0).history
    assert history["elbo"][-1] > history["elbo"][0] + 0.1


def test_the_record_has_a_latent_for_each_level_bottom_up():
    record = hierarchy((4, 3, 2)).infer(X[:5], num_samples=7, seed=0)
    assert [latent.z.shape.as_list() for latent in record.latents] == [[7, 5, 4], [7, 5, 3], [7, 5, 2]]
    assert [latent.posterior.batch_shape.as_list() for latent in record.latents] == [[7, 5], [7, 5], [5]]
    assert [latent.prior.batch_shape.as_list() for latent in record.latents] == [[7, 5], [7, 5], []]
    assert record.likelihood.batch_shape == [7, 5]


def test_closed_form_and_monte_carlo_rates_agree_within_the_standard_error():
    vae = hierarchy()
    record = vae.infer(X[:4], num_samples=4000, seed=1)
    exact = kv.objectives.ELBO()(record, step=0, training=False).logs["kl_loss"]
    ratios = sum(latent.posterior.log_prob(latent.z) - latent.prior.log_prob(latent.z) for latent in record.latents)
    error = np.std(ratios, axis=0, ddof=1) / np.sqrt(4000)
    estimate = kv.objectives.ELBO(kl="monte_carlo")(record, step=0, training=False).logs["kl_loss"]
    assert np.all(np.abs(estimate - exact) <= 4 * error)


def test_what_repeats_rows_itself_infers_the_same():
    vae = hierarchy((4, 3, 2))
    own = vae.infer(X[:5], num_samples=7, seed=0)
    for encoder in vae.encoders:
        encoder.repeats_rows = False
    repeated = vae.infer(X[:5], num_samples=7, seed=0)
    for one, other in zip(own.latents, repeated.latents, strict=True):
        np.testing.assert_allclose(one.z, other.z, atol=1e-5)
        np.testing.assert_allclose(one.posterior.mean(), other.posterior.mean(), atol=1e-5)


def linear_hierarchy():
    """Build p(z2) = N(0, I), z1 = A z2 + b + noise, x = C z1 + D z2 + noise, and return it with its exact evidence."""
    generator = np.random.default_rng(0)
    a, b = 0.8 * generator.normal(size=(2, 2)), generator.normal(size=2)
    c, d = generator.normal(size=(2, 3)), generator.normal(size=(2, 3))
    log_var, scale = np.log([0.3, 0.6]), 0.7
    inputs = [keras.Input((2,)), keras.Input((2,))]
    joined = keras.layers.Dense(3, use_bias=False)(keras.layers.Concatenate()(inputs))
    vae = kv.HierarchicalVAE(
        encoders=[keras.layers.Concatenate(), keras.layers.Identity()],
        posteriors=[kv.posteriors.DiagonalGaussian(2), kv.posteriors.FullCovarianceGaussian(2)],
        priors=[kv.priors.ConditionalGaussian(keras.layers.Identity()), kv.priors.StandardNormal()],
        decoder=keras.Model(inputs, joined),
        likelihood=kv.likelihoods.Gaussian((3,), scale=scale, projection=None),
        seed=0,
    )
    vae.build()
    vae.priors[0].projection.set_weights([np.c_[a, np.zeros((2, 2))], np.r_[b, log_var]])
    vae.decoder.layers[-1].set_weights([np.r_[c, d]])
    # A broad q that ignores x, so that importance weights are bounded.
    for posterior, spread in zip(vae.posteriors, (1.5, 0.3), strict=True):
        kernel, bias = posterior.projection.get_weights()
        bias = np.r_[np.zeros(2), np.full(2, spread), np.zeros(len(bias) - 4)]
        posterior.projection.set_weights([np.zeros_like(kernel), bias])
    through = a @ c + d  # x as a function of z2
    mean = b @ c
    covariance = through.T @ through + c.T @ np.diag(np.exp(log_var)) @ c + scale**2 * np.eye(3)
    return vae, multivariate_normal(mean, covariance)


def test_importance_sampling_on_a_linear_hierarchy_gives_its_exact_evidence():
    vae, evidence = linear_hierarchy()
    x = evidence.rvs(size=6, random_state=1).astype("float32")
    record = vae.infer(x, num_samples=60_000, seed=2)
    log_weights = record.log_likelihood.numpy().astype("float64")
    for latent in record.latents:
        log_weights += (latent.prior.log_prob(latent.z) - latent.posterior.log_prob(latent.z)).numpy()
    estimate = logsumexp(log_weights, axis=0) - np.log(len(log_weights))
    relative = np.exp(log_weights - estimate)
    error = relative.std(axis=0, ddof=1) / np.sqrt(len(relative))
    assert np.all(error < 0.1)
    assert np.all(np.abs(estimate - evidence.logpdf(x)) <= 4 * error)
    elbo = kv.objectives.ELBO()(record, step=0, training=False).logs["elbo"].numpy()
    assert np.all(elbo < evidence.logpdf(x))


def test_samples_of_a_linear_hierarchy_have_its_exact_moments():
    vae, evidence = linear_hierarchy()
    x = vae.generate(20_000, seed=3)
    covariance = evidence.cov - 0.7**2 * np.eye(3)  # generate gives means of p(x|z)
    error = np.sqrt(np.diag(covariance) / len(x))
    assert np.all(np.abs(x.mean(axis=0) - evidence.mean) <= 4 * error)
    np.testing.assert_allclose(np.cov(x.T), covariance, atol=4 * np.diag(covariance).max() * np.sqrt(2 / len(x)))
    np.testing.assert_array_equal(vae.generate(3, seed=3), vae.generate(3, seed=3))


def test_verbs_speak_tuples():
    vae = hierarchy((4, 3, 2))
    z = vae.encode(X, batch_size=20)
    assert [part.shape for part in z] == [(48, 4), (48, 3), (48, 2)]
    np.testing.assert_allclose(vae.decode(z), vae.reconstruct(X), atol=1e-6)
    np.testing.assert_allclose(vae.predict(X, verbose=0), vae.reconstruct(X), atol=1e-6)
    assert vae.posterior_of(X).batch_shape == [48]


@pytest.mark.soak
def test_a_fresh_process_loads_the_model_and_goes_on(tmp_path):
    vae = hierarchy()
    vae.compile("adam")
    vae.fit(X, epochs=1, verbose=0)
    vae.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", X)
    run_python(
        """
        import sys, pathlib, keras, numpy as np
        import keras_vae
        folder = pathlib.Path(sys.argv[1])
        vae, x = keras.models.load_model(folder / "model.keras"), np.load(folder / "x.npy")
        reconstruction = vae.reconstruct(x)
        vae.fit(x, epochs=2, initial_epoch=1, verbose=0)
        np.savez(folder / "out.npz", before=reconstruction, after=vae.reconstruct(x))
        """,
        tmp_path,
    )
    outputs = np.load(tmp_path / "out.npz")
    np.testing.assert_allclose(outputs["before"], vae.reconstruct(X), atol=1e-6)
    vae.fit(X, epochs=2, initial_epoch=1, verbose=0)
    np.testing.assert_allclose(outputs["after"], vae.reconstruct(X), atol=1e-6)


@pytest.mark.soak
@pytest.mark.parametrize("gradient", ["plain", "dreg"])
def test_the_importance_weighted_bound_trains_a_hierarchy(gradient):
    vae = hierarchy(objective=kv.objectives.IWELBO(5, gradient=gradient))
    vae.compile("adam")
    history = vae.fit(X, epochs=2, verbose=0).history
    assert history["iwelbo"][1] >= history["elbo"][1]


def test_free_bits_are_charged_level_by_level():
    vae = hierarchy(objective=kv.objectives.ELBO(free_bits=0.5))
    record = vae.infer(X, num_samples=3, seed=0)
    terms = vae.objective(record, step=0, training=False)
    expected = 0.0
    for latent in record.latents:
        rates = kv.divergences.closed_form_kl_per_dimension(latent.posterior, latent.prior).numpy()
        expected += np.maximum(rates.reshape(-1, rates.shape[-1]).mean(axis=0), 0.5).sum()
    charged = np.mean(terms.loss - terms.logs["reconstruction_loss"])
    assert charged == pytest.approx(expected, rel=1e-5)


def test_parts_that_do_not_make_levels_are_refused():
    one = [kv.networks.MLPEncoder((4,))], [kv.posteriors.DiagonalGaussian(2)], [kv.priors.StandardNormal()]
    rest = {"decoder": kv.networks.JoinedMLP(), "likelihood": kv.likelihoods.Bernoulli((6,))}
    with pytest.raises(ValueError, match="at least two levels. Received: 1, 1 and 1 parts"):
        kv.HierarchicalVAE(encoders=one[0], posteriors=one[1], priors=one[2], **rest)
    with pytest.raises(TypeError, match=r"`priors\[1\]` must be a `keras_vae.priors.Prior`"):
        kv.HierarchicalVAE(encoders=one[0] * 2, posteriors=one[1] * 2, priors=[one[2][0], 3], **rest)
    with pytest.raises(ValueError, match="`posterior` must have a density .* Received: Deterministic"):
        kv.HierarchicalVAE(
            encoders=one[0] * 2, posteriors=[kv.posteriors.Deterministic(2)] * 2, priors=one[2] * 2, **rest
        )
    with pytest.raises(ValueError, match=r"`z` must hold arrays of the shapes .* Received: shape \(2, 3\)"):
        hierarchy().decode([np.zeros((2, 3))])
    with pytest.raises(ValueError, match="`condition` must be given to `ConditionalGaussian`"):
        hierarchy().priors[0].distribution()
    with pytest.raises(ValueError, match="`JoinedMLP` must get a list of tensors"):
        kv.networks.JoinedMLP()(tf.zeros([2, 3]))
