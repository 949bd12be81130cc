"""Parts as users bring them: what fits trains, is frozen and saved, and what does not is refused with the remedy."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from keras_vae.core import values
from tests.models.conftest import binary, compiled, plain, small_vae

X = binary(48)


# ---- what training has traced -----------------------------------------------------------------------------------

SETTLED = {
    "beta": lambda vae: setattr(vae.objective, "beta", 100.0),
    "free_bits": lambda vae: setattr(vae.objective, "free_bits", 1.0),
    "scale": lambda vae: setattr(vae.likelihood, "scale", 3.0),
    "log_var_range": lambda vae: setattr(vae.posterior, "log_var_range", (-1.0, 1.0)),
    "decoder": lambda vae: setattr(vae, "decoder", kv.networks.MLPDecoder((3,))),
    "objective": lambda vae: setattr(vae, "objective", kv.objectives.IWELBO(2)),
    "seed": lambda vae: setattr(vae, "seed", 9),
    "num_components": lambda vae: setattr(vae.prior, "num_components", 9),
}


@pytest.mark.parametrize("name", SETTLED)
def test_an_argument_that_training_has_traced_refuses_another_value(name):
    vae = compiled(
        likelihood=kv.likelihoods.Gaussian((6,), scale=1.0),
        prior=kv.priors.GaussianMixture(2) if name == "num_components" else None,
        objective=kv.objectives.ELBO(kl="monte_carlo" if name == "num_components" else "closed_form"),
    )
    vae.evaluate(X, verbose=0)
    before = vae.get_config()
    with pytest.raises(AttributeError, match=f"`{name}` must be given to the constructor of .* Received: {name}="):
        SETTLED[name](vae)
    assert vae.get_config() == before


# ---- parts that do not fit --------------------------------------------------------------------------------------


def test_a_map_of_another_size_gets_no_dense_layer():
    decoder = keras.Sequential([keras.layers.Dense(80), keras.layers.Reshape((4, 5, 4))])
    vae = small_vae((4, 4, 1), decoder=decoder)
    with pytest.raises(ValueError, match=r"must have shape \(batch, 4, 4, channels\).*crop or pad.*\(None, 4, 5, 4\)"):
        vae.build()
    flat = small_vae((4, 4, 1), decoder=keras.Sequential([decoder, keras.layers.Flatten()]))
    flat.build()  # asked for


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_a_decoder_that_ends_in_probabilities_is_not_read_as_logits(activation):
    last = [keras.layers.Dense(16, activation), keras.layers.Reshape((4, 4, 1))]
    vae = small_vae(
        (4, 4, 1), decoder=keras.Sequential(last), likelihood=kv.likelihoods.Bernoulli((4, 4, 1), projection=None)
    )
    with pytest.raises(ValueError, match=f"must end in logits .* Received: the activation {activation}"):
        vae.build()
    small_vae(
        (4, 4, 1), decoder=keras.Sequential(last), likelihood=kv.likelihoods.Gaussian((4, 4, 1), projection=None)
    ).build()


def test_a_decoder_of_probabilities_that_would_be_projected_again_is_remarked_on(monkeypatch, caplog):
    monkeypatch.setattr(values, "_REMARKS", set())
    for activation, channels, warns in (("sigmoid", 1, True), (None, 1, False), ("sigmoid", 3, False)):
        caplog.clear()
        last = [keras.layers.Dense(16 * channels, activation), keras.layers.Reshape((4, 4, channels))]
        small_vae((4, 4, 1), decoder=keras.Sequential(last)).build()
        assert ("ends in the activation sigmoid" in caplog.text and "`projection=None`" in caplog.text) is warns


def test_an_encoder_of_several_tensors_is_refused_with_the_remedy():
    inputs = keras.Input((6,))
    mean, log_var = keras.layers.Dense(2)(inputs), keras.layers.Dense(2)(inputs)
    encoder = keras.Model(inputs, [mean, log_var, kv.Sampling()([mean, log_var])])
    with pytest.raises(
        ValueError, match=r"`encoder` must return one tensor.*`keras.Model\(inputs, features\)`.*3 tensors"
    ):
        small_vae(encoder=encoder).build()


# ---- frozen parts -----------------------------------------------------------------------------------------------


def test_a_model_without_trainable_weights_is_evaluated_by_fit_as_in_keras():
    for model, data in ((compiled(seed=0), (X,)), (plain(), (X, X))):
        model.trainable = False
        model.compile("adam") if isinstance(model, kv.VAE) else model.compile("adam", "mse")
        before = model.get_weights()
        with pytest.warns(UserWarning, match="trainable weights"):
            assert np.isfinite(model.fit(*data, verbose=0).history["loss"][0])
        for one, other in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("part", ["encoder", "posterior", "decoder", "likelihood"])
def test_a_frozen_part_stays_and_the_others_train(part):
    vae = small_vae(posterior=kv.posteriors.Deterministic(2), objective=kv.objectives.Reconstruction())
    getattr(vae, part).trainable = False
    vae.compile("adam")
    before = {name: getattr(vae, name).get_weights() for name in ("encoder", "posterior", "decoder", "likelihood")}
    vae.fit(X, verbose=0)
    for name, weights in before.items():
        same = all(np.array_equal(*pair) for pair in zip(weights, getattr(vae, name).get_weights(), strict=True))
        assert same == (name == part)


def test_weights_without_a_gradient_are_named_by_keras_and_the_others_train():
    class WithASpare(keras.layers.Layer):
        def build(self, shape):
            self.spare, self.dense = self.add_weight(shape=(3,), name="spare"), keras.layers.Dense(4)
            self.dense.build(shape)

        def call(self, x):
            return self.dense(x)

    vae = compiled(encoder=WithASpare())
    with pytest.warns(UserWarning, match="spare"):
        vae.fit(X, verbose=0)


# ---- callbacks and files ----------------------------------------------------------------------------------------


def test_callbacks_know_that_more_of_a_bound_is_better(tmp_path):
    watchers = [
        keras.callbacks.EarlyStopping("val_elbo", patience=5),
        keras.callbacks.ReduceLROnPlateau("val_elbo", patience=5),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_elbo", save_best_only=True),
    ]
    history = compiled().fit(X, validation_data=X, epochs=4, verbose=0, callbacks=watchers).history
    assert [watcher.mode for watcher in watchers] == ["max"] * 3
    assert history["val_elbo"][-1] > history["val_elbo"][0]
    assert watchers[0].best == pytest.approx(max(history["val_elbo"]))
    assert watchers[0].wait == 0 and watchers[1].wait == 0


@keras.saving.register_keras_serializable("tests")
class Registered(keras.layers.Layer):
    """A layer that loads."""

    def call(self, x):
        return x


class Unregistered(keras.layers.Layer):
    """A layer that loads with `custom_objects` alone."""

    def call(self, x):
        return x


def test_a_lambda_is_refused_before_the_first_step_and_by_save(tmp_path):
    vae = compiled(encoder=keras.Sequential([keras.layers.Lambda(lambda x: 2.0 * x), keras.layers.Dense(4)]))
    writers = (
        kv.callbacks.Checkpoint(tmp_path / "run"),
        keras.callbacks.ModelCheckpoint(tmp_path / "last.keras"),
    )
    for callback in writers:
        with pytest.raises(ValueError, match="no `Lambda` layer .* `save_weights`"):
            vae.fit(X, verbose=0, callbacks=[callback])
    assert int(vae.optimizer.iterations) == 0
    with pytest.raises(ValueError, match="no `Lambda` layer"):
        vae.save(tmp_path / "model.keras")
    assert not (tmp_path / "model.keras").exists()
    vae.fit(X, verbose=0)  # it trains, and its weights may be kept
    vae.save_weights(tmp_path / "model.weights.h5")


def test_an_unregistered_layer_is_remarked_on_and_loads_with_the_remedy(tmp_path, caplog):
    vae = compiled(encoder=keras.Sequential([Unregistered(), keras.layers.Dense(4)]))
    with caplog.at_level(logging.WARNING, "keras_vae"):
        vae.save(tmp_path / "model.keras")
    assert "Unregistered" in caplog.text and "register_keras_serializable" in caplog.text
    with pytest.raises(ValueError, match="Unregistered.*: pass it in `custom_objects`"):
        kv.load_model(tmp_path / "model.keras")
    loaded = kv.load_model(tmp_path / "model.keras", custom_objects={"Unregistered": Unregistered})
    np.testing.assert_allclose(loaded.encode(X), vae.encode(X), rtol=1e-6)
    caplog.clear()
    compiled(encoder=keras.Sequential([Registered(), keras.layers.Dense(4)])).save(tmp_path / "registered.keras")
    assert not caplog.records


def test_keras_own_export_runs_after_fit(tmp_path):
    vae = compiled(seed=0)
    vae.fit(X, verbose=0)
    vae.export(tmp_path / "model", verbose=False)
    served = tf.saved_model.load(tmp_path / "model")
    np.testing.assert_allclose(served.serve(tf.constant(X)), vae.reconstruct(X), rtol=1e-5, atol=1e-6)
