"""An objective of the tests' own, which couples the examples of a batch and logs a term of a new name."""

import math

import keras
import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

import keras_vae as kv
from keras_vae import core
from keras_vae.objectives import Objective, Terms
from tests.again import Again
from tests.models.conftest import binary, small_vae

BETA = 6.0


@keras.saving.register_keras_serializable(package="tests")
class TotalCorrelation(Objective):
    """Minimise distortion + rate + (beta - 1) TC, TC = KL[q(z) || prod_d q(z_d)] (Chen et al. 2018, section 4).

    q(z_i) is estimated by minibatch-weighted sampling, `log q(z_i) = log 1/(N M) sum_j q(z_i|x_j)` over the M examples
    of the batch (section 4.1).
    """

    couples_examples = True

    def __init__(self, beta=BETA, *, data_size=1000):
        self.beta = beta
        self.data_size = data_size

    def __call__(self, record, *, step, training):
        (latent,) = record.latents
        normal, z = latent.posterior.distribution, latent.z  # (samples, batch, latent)
        mean, scale = core.gather(normal.loc), core.gather(normal.scale)  # (global batch, latent)
        each = core.Normal(mean, scale).log_prob(z[..., None, :])  # (samples, batch, global batch, latent)
        log_size = math.log(self.data_size) + tf.math.log(tf.cast(tf.shape(mean)[0], z.dtype))
        log_joint = tf.reduce_logsumexp(tf.reduce_sum(each, axis=-1), axis=-1) - log_size
        log_product = tf.reduce_sum(tf.reduce_logsumexp(each, axis=-2) - log_size, axis=-1)
        total_correlation = tf.reduce_mean(log_joint - log_product, axis=0)
        distortion = -tf.reduce_mean(record.log_likelihood, axis=0)
        rate = kv.divergences.closed_form_kl(latent.posterior, latent.prior)
        return Terms(
            loss=distortion + rate + (self.beta - 1.0) * total_correlation,
            logs={
                "reconstruction_loss": distortion,
                "kl_loss": rate,
                "elbo": -(distortion + rate),
                "total_correlation": total_correlation,
            },
        )

    def get_config(self):
        return {"beta": self.beta, "data_size": self.data_size}


@keras.saving.register_keras_serializable(package="tests")
class CodeNoise(kv.posteriors.DiagonalGaussian):
    """Noise that is a function of the code alone, so that runs on one replica and on two compare."""

    def sample(self, parameters, num_samples, seed):
        eps = 1.5 * tf.sin(5.0 * parameters["mean"])
        return tf.tile((parameters["mean"] + tf.exp(0.5 * parameters["log_var"]) * eps)[None], [num_samples, 1, 1])


def make(objective=TotalCorrelation, posterior=CodeNoise):
    return small_vae(posterior=posterior(2), objective=objective())


def test_its_value_is_that_of_a_double_loop():
    vae, x = make(posterior=kv.posteriors.DiagonalGaussian), binary(7)
    record = vae.infer(x, num_samples=2, seed=0)
    found = vae.objective(record, step=0, training=True)
    (latent,) = record.latents
    mean, scale = (part.numpy().astype("float64") for part in (latent.posterior.mean(), latent.posterior.stddev()))
    expected = np.zeros([2, 7])
    for sample, codes in enumerate(latent.z.numpy().astype("float64")):
        for i, z in enumerate(codes):
            log_q = np.array([scipy.stats.norm(mean[j], scale[j]).logpdf(z) for j in range(7)])  # (7, latent)
            log_joint = scipy.special.logsumexp(log_q.sum(axis=1)) - np.log(1000 * 7)
            log_factors = scipy.special.logsumexp(log_q, axis=0) - np.log(1000 * 7)
            expected[sample, i] = log_joint - log_factors.sum()
    np.testing.assert_allclose(found.logs["total_correlation"], expected.mean(axis=0), rtol=1e-5)
    distortion, rate = -np.mean(record.log_likelihood, axis=0), found.logs["kl_loss"].numpy()
    np.testing.assert_allclose(found.loss, distortion + rate + (BETA - 1) * expected.mean(axis=0), rtol=1e-5)


def test_fit_and_evaluate_log_the_new_term_and_early_stopping_follows_it():
    vae, x = make(posterior=kv.posteriors.DiagonalGaussian), binary(48)
    vae.compile("adam")
    stop = keras.callbacks.EarlyStopping("val_total_correlation", mode="min", patience=50)
    history = vae.fit(x, validation_data=x, epochs=2, batch_size=16, callbacks=[stop], verbose=0).history
    names = {"loss", "reconstruction_loss", "kl_loss", "elbo", "total_correlation"}
    assert set(history) == names | {f"val_{name}" for name in names}
    assert np.all(np.isfinite(history["total_correlation"]))
    assert set(vae.evaluate(x, verbose=0, return_dict=True)) == names
    assert set(vae.train_on_batch(x, return_dict=True)) == names


def test_a_saved_model_comes_back_with_it(tmp_path):
    vae, x = small_vae(objective=TotalCorrelation(3.0, data_size=48)), binary(48)
    vae.compile("adam")
    vae.fit(x, batch_size=16, verbose=0)
    vae.save(tmp_path / "vae.keras")
    loaded = kv.load_model(tmp_path / "vae.keras")
    assert type(loaded.objective) is TotalCorrelation
    assert (loaded.objective.beta, loaded.objective.data_size) == (3.0, 48)
    expected = vae.evaluate(x, verbose=0, return_dict=True)
    assert loaded.evaluate(x, verbose=0, return_dict=True) == pytest.approx(expected, rel=1e-6)


def test_it_is_refused_where_examples_stand_alone_and_exported_without_a_score(tmp_path):
    vae = make(posterior=kv.posteriors.DiagonalGaussian)
    with pytest.raises(ValueError, match=r"`score` must be called .* does not couple examples. Received: TotalCorr"):
        vae.score(binary(4))
    signatures = kv.export.read_metadata(kv.export.saved_model(vae, tmp_path / "served"))["signatures"]
    assert "encode" in signatures and "score" not in signatures


class WithoutGathering(TotalCorrelation):
    """What an objective would be that forgot the other replicas."""

    def __call__(self, record, *, step, training):
        gather, core.gather = core.gather, lambda values: values
        try:
            return super().__call__(record, step=step, training=training)
        finally:
            core.gather = gather


def replicated(num_replicas, objective=TotalCorrelation):
    """Return a compiled model on some replicas that starts over at each call."""
    strategy = tf.distribute.MirroredStrategy(
        [f"CPU:{i}" for i in range(num_replicas)], tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        keras.utils.set_random_seed(1)
        vae = make(objective)
        vae.compile(keras.optimizers.SGD(0.05))
        return Again(vae)


@pytest.fixture(scope="module")
def on_one_and_on_two():
    return replicated(1), replicated(2)


def trained(vae, size):
    """Train for two epochs on a global batch of 16, and return the weights and the history."""
    before = vae.get_weights()
    data = kv.data.pipeline(binary(size), batch_size=16, shuffle=True, seed=3)
    history = vae.fit(data, validation_data=binary(19), epochs=2, verbose=0).history
    assert any(np.abs(new - old).max() > 0.02 for old, new in zip(before, vae.get_weights(), strict=True))
    return vae.get_weights(), history


@pytest.mark.soak
@pytest.mark.parametrize("size", [32, 39, 33], ids=["even", "an uneven last batch", "a last batch of one"])
def test_two_replicas_train_as_one_on_the_whole_batch(size, on_one_and_on_two):
    (one, history), (two, history_of_two) = (trained(again(), size) for again in on_one_and_on_two)
    for weight_1, weight_2 in zip(one, two, strict=True):
        np.testing.assert_allclose(weight_2, weight_1, atol=1e-6)
    for name, values in history.items():
        np.testing.assert_allclose(history_of_two[name], values, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.soak
def test_without_gathering_two_replicas_would_train_otherwise(on_one_and_on_two):
    # On one replica there is nothing to gather.
    (one, _), (two, _) = trained(on_one_and_on_two[0](), 32), trained(replicated(2, WithoutGathering)(), 32)
    assert max(np.abs(weight_2 - weight_1).max() for weight_1, weight_2 in zip(one, two, strict=True)) > 1e-3
