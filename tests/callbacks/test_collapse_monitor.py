"""The collapse monitor: its numbers are the divergence's, its lines name the right columns."""

import logging

import keras
import numpy as np
import pytest

import keras_vae as kv
from tests.callbacks.conftest import image_vae, images
from tests.plots.helpers import hierarchical_vae


class Weights(keras.callbacks.Callback):
    """Set the scale of each latent dimension's mean and log-variance at the end of each epoch."""

    def __init__(self, scales):
        super().__init__()
        self.scales = scales

    def on_epoch_end(self, epoch, logs=None):
        kill(self.model, self.scales[epoch])


def kill(vae, scales):
    """Multiply what the posterior says of each dimension; at zero it is the standard normal distribution."""
    for variable in vae.posterior.trainable_variables:
        sizes = np.tile(scales, variable.shape[-1] // len(scales))
        variable.assign(variable * sizes)


def lines(caplog):
    return [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "keras_vae"]


@pytest.fixture(scope="module")
def watched():
    """A model whose first dimension is dead in the second epoch only, with its monitor and what was logged."""
    vae = image_vae(latent_dim=3)
    monitor = kv.callbacks.CollapseMonitor(images()[:20], threshold=1e-6)
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logger = logging.getLogger("keras_vae")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    scales = [[1.0, 1.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    try:
        history = vae.fit(images(), epochs=3, verbose=0, callbacks=[Weights(scales), monitor]).history
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    return vae, monitor, history, [(record.levelname, record.getMessage()) for record in records]


def test_the_dimension_that_dies_and_comes_back_is_named(watched):
    _, monitor, history, told = watched
    assert told[0] == (
        "WARNING",
        "Epoch 2: z[:, 0] died: KL 0.0000 < 1e-06 nats. 1 of 3 latent dimensions are dead.",
    )
    severity, line = told[1]
    assert severity == "INFO"
    assert line.startswith("Epoch 3: z[:, 0] came back: KL 0.") and line.endswith("0 of 3 latent dimensions are dead.")
    assert len(told) == 2
    assert monitor.history["dead"] == [(), (0,), ()]
    assert history["dead_dimensions"] == [0.0, 1.0, 0.0]


def test_the_numbers_are_those_of_the_divergence(watched):
    vae, monitor, _, _ = watched
    posterior = vae.posterior_of(images()[:20])
    mean, scale = posterior.mean().numpy().astype(np.float64), posterior.stddev().numpy().astype(np.float64)
    expected = (0.5 * (scale**2 + mean**2 - 1.0) - np.log(scale)).mean(axis=0)
    assert monitor.history["epoch"] == [0, 1, 2]
    np.testing.assert_allclose(monitor.history["kl_per_dimension"][-1], expected, rtol=1e-4, atol=1e-7)


def test_more_observations_than_a_batch_are_averaged_over_all(watched):
    vae, _, _, _ = watched
    averages = []
    for n in (300, 150):
        monitor = kv.callbacks.CollapseMonitor(images(300)[:n])
        monitor.set_model(vae)
        monitor.on_train_begin()
        monitor.on_epoch_end(0)
        averages.append(monitor.history["kl_per_dimension"][0])
    second = kv.callbacks.CollapseMonitor(images(300)[150:])
    second.set_model(vae)
    second.on_train_begin()
    second.on_epoch_end(0)
    np.testing.assert_allclose(averages[0], (averages[1] + second.history["kl_per_dimension"][0]) / 2, rtol=1e-5)


def test_levels_of_a_hierarchical_model_are_named_from_the_bottom(caplog):
    vae = hierarchical_vae()
    monitor = kv.callbacks.CollapseMonitor(images()[:8], threshold=1e6)
    monitor.set_model(vae)
    monitor.on_train_begin()
    logs = {}
    monitor.on_epoch_end(0, logs)
    assert [len(level) for level in monitor.history["kl_per_dimension"][0]] == [3, 2]
    assert monitor.history["dead"] == [((0, 1, 2), (0, 1))]
    assert logs == {"dead_dimensions": 5.0}
    ((severity, line),) = lines(caplog)
    assert severity == "WARNING"
    assert line.startswith(
        "Epoch 1: level 1 z[:, 0], level 1 z[:, 1], level 1 z[:, 2], level 2 z[:, 0], level 2 z[:, 1] "
    )
    assert line.endswith("< 1e+06 nats. 5 of 5 latent dimensions are dead.")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"posterior": kv.posteriors.FullCovarianceGaussian(2)},
            "splits into latent dimensions; .* MultivariateNormal",
        ),
        (
            {"prior": kv.priors.GaussianMixture(3), "objective": kv.objectives.ELBO(kl="monte_carlo")},
            "`CollapseMonitor` must watch a model whose KL divergence splits .* `keras_vae.evaluation.evaluate_vae`",
        ),
    ],
    ids=["full covariance", "mixture"],
)
def test_a_divergence_that_does_not_split_is_refused_before_training(parts, message):
    vae = image_vae(**parts)
    before = vae.get_weights()
    with pytest.raises(ValueError, match=message):
        vae.fit(images(), epochs=1, verbose=0, callbacks=[kv.callbacks.CollapseMonitor(images()[:4])])
    for now, then in zip(vae.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_bad_arguments_are_refused(watched):
    with pytest.raises(ValueError, match="`threshold` must be > 0. Received: threshold=0.0"):
        kv.callbacks.CollapseMonitor(images(), threshold=0.0)
    monitor = kv.callbacks.CollapseMonitor(255.0 * images())
    monitor.set_model(watched[0])
    with pytest.raises(ValueError, match=r"`x` must be in \[0, 1\] for the likelihood Bernoulli"):
        monitor.on_train_begin()
    monitor.set_model(keras.Sequential())
    with pytest.raises(TypeError, match="`CollapseMonitor.model` must be a model of `keras_vae`. Received"):
        monitor.on_train_begin()
