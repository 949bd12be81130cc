"""`training` reaches every part: dropout and batch normalisation within are active in training, and only there."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from keras_vae.core import keras_internals
from tests.models.conftest import binary
from tests.soaked import soaked

register = keras.saving.register_keras_serializable(package="tests")


@register
class Watched(keras.layers.Layer):
    """Batch normalisation and dropout, and a count of the calls in which they were in training."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.normalization = keras.layers.BatchNormalization(momentum=0.5)
        self.dropout = keras.layers.Dropout(0.5, seed=1)

    def build(self, input_shape):
        self.normalization.build(input_shape)
        self.dropped = self.add_weight(shape=(), initializer="zeros", trainable=False, name="dropped")

    def call(self, x, training=False):
        normalized = self.normalization(x + 1.0, training=training)
        y = self.dropout(normalized, training=training)
        self.dropped.assign_add(tf.cast(tf.reduce_any((y == 0) & (normalized != 0)), self.dropped.dtype))
        return y

    def compute_output_shape(self, input_shape):
        return input_shape

    @property
    def state(self):
        """How often something was dropped, and the moving mean."""
        return float(self.dropped), self.normalization.moving_mean.numpy()


@register
class WatchedPosterior(kv.posteriors.DiagonalGaussian):
    """Takes `training`, and hands it down."""

    def __init__(self, latent_dim, **kwargs):
        super().__init__(latent_dim, **kwargs)
        self.watched = Watched()

    def build(self, input_shape):
        self.watched.build(input_shape)
        super().build(input_shape)

    def call(self, features, training=False):
        return super().call(self.watched(features, training=training))


@register
class SilentPosterior(WatchedPosterior):
    """Does not take `training`: Keras hands it to the layers within."""

    def call(self, features):
        return kv.posteriors.DiagonalGaussian.call(self, self.watched(features))


@register
class WatchedLikelihood(kv.likelihoods.Bernoulli):
    def __init__(self, event_shape, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.watched = Watched()

    def build(self, input_shape):
        self.watched.build(input_shape)
        super().build(input_shape)

    def call(self, features, training=False):
        return super().call(self.watched(features, training=training))


@register
class WatchedLabels(kv.conditions.Labels):
    def __init__(self, num_classes, **kwargs):
        super().__init__(num_classes, **kwargs)
        self.watched = Watched()

    def build(self, input_shape):
        self.watched.build((None, self.num_classes))

    def call(self, values, training=False):
        return self.watched(super().call(values), training=training)


def trunk():
    """A plain trunk of Keras with watched layers in it."""
    return keras.Sequential([keras.layers.Dense(6), Watched(), keras.layers.Dense(6)])


def watched_vae(posterior=WatchedPosterior):
    """A conditional model whose encoder, posterior, prior, decoder, likelihood and condition are all watched."""
    vae = kv.VAE(
        encoder=keras.Sequential([kv.networks.MLPEncoder((6,)), Watched()]),
        posterior=posterior(2),
        decoder=keras.Sequential([kv.networks.MLPDecoder((6,)), Watched()]),
        likelihood=WatchedLikelihood((6,)),
        prior=kv.priors.ConditionalGaussian(trunk()),
        condition=WatchedLabels(3),
        seed=0,
    )
    places = ("encoder", "posterior", "decoder", "likelihood", "prior", "condition")
    return vae, {name: getattr(vae, name) for name in places}


def watched_hierarchy():
    """Two levels, whose posteriors and the trunk of whose lower prior are watched."""
    vae = kv.HierarchicalVAE(
        encoders=[kv.networks.JoinedMLP((6,), (6,)), kv.networks.MLPEncoder((6,))],
        posteriors=[WatchedPosterior(3), WatchedPosterior(2)],
        priors=[kv.priors.ConditionalGaussian(trunk()), kv.priors.StandardNormal()],
        decoder=kv.networks.JoinedMLP((6,), (6,)),
        likelihood=WatchedLikelihood((6,)),
        seed=0,
    )
    parts = {"posterior_1": vae.posteriors[0], "posterior_2": vae.posteriors[1], "prior": vae.priors[0]}
    return vae, {**parts, "likelihood": vae.likelihood}


MODELS = {
    "conditional": watched_vae,
    "silent": lambda: watched_vae(SilentPosterior),
    "hierarchy": watched_hierarchy,
}
models = pytest.mark.parametrize("model", soaked(MODELS, quick=["hierarchy"]))


def watched_in(parts):
    """Return the watched layer of each part."""
    found = {}
    for name, part in parts.items():
        (found[name],) = [layer for layer in keras_internals.all_layers(part) if isinstance(layer, Watched)]
    return found


def batch_of(vae, n=32):
    x = binary(n)
    return x if vae.condition is None else {"x": x, "condition": np.arange(n) % 3}


def made(model, **options):
    vae, parts = MODELS[model]()
    vae.compile(keras.optimizers.SGD(1e-3), **options)
    return vae, watched_in(parts), batch_of(vae)


def states(watched):
    return {name: layer.state for name, layer in watched.items()}


def assert_same(before, after):
    for name, (dropped, mean) in before.items():
        assert after[name][0] == dropped, f"{name} dropped something"
        np.testing.assert_array_equal(after[name][1], mean, err_msg=name)


@pytest.mark.parametrize(
    ("model", "jit_compile"),
    soaked([(model, jit) for jit in (False, True) for model in MODELS], quick=[("hierarchy", False)]),
)
def test_in_fit_dropout_is_active_and_moving_averages_move_in_every_part(model, jit_compile):
    vae, watched, batch = made(model, jit_compile=jit_compile)
    before = states(watched)
    vae.fit(batch, batch_size=16, epochs=2, verbose=0)
    for name, (dropped, mean) in states(watched).items():
        assert dropped == before[name][0] + 4, f"{name} dropped in {dropped} of 4 steps"
        assert np.abs(mean - before[name][1]).max() > 1e-3, f"the moving average of {name} stays"


VERBS = {
    "evaluate": lambda vae, batch: vae.evaluate(batch, verbose=0),
    "predict": lambda vae, batch: vae.predict(batch, verbose=0),
    "test_on_batch": lambda vae, batch: vae.test_on_batch(batch),
    "predict_on_batch": lambda vae, batch: vae.predict_on_batch(batch),
    "call": lambda vae, batch: vae(vae.spec.tensors(batch).fields).numpy(),
    "encode": lambda vae, batch: vae.encode(batch),
    "posterior_of": lambda vae, batch: vae.posterior_of(batch).mean().numpy(),
    "reconstruct": lambda vae, batch: vae.reconstruct(batch),
    "generate": lambda vae, batch: vae.generate(4, condition=None if vae.condition is None else 1, seed=0),
    "score": lambda vae, batch: vae.score(batch, seed=0)["elbo"],
    "infer": lambda vae, batch: vae.infer(batch, seed=0).log_likelihood.numpy(),
    "log_evidence": lambda vae, batch: np.asarray(kv.evaluation.log_evidence(vae, batch, num_samples=4, seed=0)),
}


@models
def test_outside_of_training_nothing_is_dropped_and_nothing_moves(model):
    vae, watched, batch = made(model)
    vae.train_on_batch(batch)
    before, weights = states(watched), vae.get_weights()
    for name, verb in VERBS.items():
        first, second = verb(vae, batch), verb(vae, batch)
        assert_same(before, states(watched))
        for one, other in zip(tf.nest.flatten(first), tf.nest.flatten(second), strict=True):
            np.testing.assert_array_equal(one, other, err_msg=name)  # dropout would differ from call to call
    for old, new in zip(weights, vae.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_validation_within_fit_is_not_training():
    vae, watched, batch = made("conditional", jit_compile=False)
    vae.fit(batch, batch_size=32, validation_data=batch, verbose=0)
    assert {dropped for dropped, _ in states(watched).values()} == {1.0}  # the one training step


def test_an_objective_is_told_too():
    heard = []

    class Listening(kv.objectives.ELBO):
        def __call__(self, record, *, step, training):
            heard.append(training)
            return super().__call__(record, step=step, training=training)

    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder((6,)),
        posterior=kv.posteriors.DiagonalGaussian(2),
        decoder=kv.networks.MLPDecoder((6,)),
        likelihood=kv.likelihoods.Bernoulli((6,)),
        objective=Listening(),
        seed=0,
    )
    vae.compile("sgd", run_eagerly=True)
    for verb, expected in ((vae.train_on_batch, True), (vae.test_on_batch, False)):
        heard.clear()
        verb(binary(4))
        assert heard == [expected]


@models
def test_a_saved_model_brings_the_moving_averages_along(model, tmp_path):
    vae, _, batch = made(model, jit_compile=False)
    vae.fit(batch, batch_size=16, verbose=0)
    vae.save(tmp_path / "vae.keras")
    loaded = kv.load_model(tmp_path / "vae.keras")
    for one, other in zip(vae.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(loaded.reconstruct(batch), vae.reconstruct(batch), rtol=1e-6, atol=1e-6)
