"""NaN and infinity: no step that has them changes the model, the run stops, and the error names term and step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from keras_vae.models import DivergenceError
from tests.models.conftest import binary, small_vae

X = binary(32)
STEPS = 4  # in an epoch, at batch 8


@keras.saving.register_keras_serializable("tests")
class Fails(keras.layers.Layer):
    """The identity, until a step: then its values, or its gradient alone, are what the test wants."""

    def __init__(self, step, value, *, gradient=False):
        super().__init__()
        self.step, self.value, self.gradient = step, value, gradient

    def build(self, input_shape):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, aggregation="only_first_replica")

    def call(self, x, training=False):
        if not training:
            return x
        self.calls.assign_add(1.0)
        spoilt = tf.where(self.calls == float(self.step), self.value, 0.0)
        return _with_slope(x, spoilt) if self.gradient else x + spoilt

    def get_config(self):
        return {"step": self.step, "value": self.value, "gradient": self.gradient}


@tf.custom_gradient
def _with_slope(x, slope):
    return x, lambda upstream: (upstream + slope, None)


class Keep(keras.callbacks.Callback):
    """Notes the state of the model after each epoch, and whether validation began."""

    def __init__(self):
        super().__init__()
        self.states, self.validations = [], 0

    def on_epoch_end(self, epoch, logs=None):
        self.states.append(state_of(self.model))

    def on_test_begin(self, logs=None):
        self.validations += 1


def trunk(*layers):
    return keras.Sequential([keras.layers.Dense(9, activation="tanh"), keras.layers.BatchNormalization(), *layers])


def failing_model(term, value=np.nan, step=STEPS + 1):
    """A model that has moving averages, and fails in one of its parts at a step."""
    layer = Fails(step, value, gradient=term == "gradient")
    return small_vae(
        encoder=trunk(*[layer] * (term == "kl_loss")),
        decoder=trunk(*[layer] * (term != "kl_loss")),
        likelihood=kv.likelihoods.Gaussian((6,), scale="optimal"),
    )


def state_of(vae):
    """Return weights, moving averages and all that the optimizer keeps, but not the counter of the layer that fails."""
    variables = [*vae.weights, *vae.optimizer.variables]
    return [variable.numpy() for variable in variables if "fails" not in variable.path]


def assert_equal(states, others):
    for one, other in zip(states, others, strict=True):
        np.testing.assert_array_equal(one, other)


def fit(vae, epochs=3, callbacks=(), **settings):
    data = kv.data.pipeline(X, batch_size=8, shuffle=True, seed=0)
    return vae.fit(data, epochs=epochs, callbacks=list(callbacks), verbose=0, **settings)


CASES = [
    ("kl_loss", np.nan, {}),
    ("reconstruction_loss", np.inf, {"steps_per_execution": 3}),
    ("gradient", np.inf, {"run_eagerly": True}),
    ("gradient", np.nan, {"jit_compile": True, "steps_per_execution": 3}),
]


@pytest.mark.parametrize(("term", "value", "options"), CASES, ids=["plain", "several_steps", "eager", "xla"])
def test_the_run_stops_with_the_state_before_the_first_bad_step_and_names_it(term, value, options):
    vae = failing_model(term, value)
    vae.compile(keras.optimizers.AdamW(0.01), **options)
    keep = Keep()
    message = f"`{term}` must be finite. Received: NaN or infinity in training step 5. The weights are those of step 4."
    with pytest.raises(DivergenceError, match=message) as caught:
        fit(vae, callbacks=[keep], validation_data=X)
    assert (caught.value.term, caught.value.step) == (term, 5)
    assert keep.validations == len(keep.states) == 1
    assert_equal(state_of(vae), keep.states[0])
    assert all(np.isfinite(array).all() for array in keep.states[0])

    (calls,) = [variable for variable in vae.weights if "fails" in variable.path]
    calls.assign(100)  # so that it fails no more
    fit(vae, epochs=1)
    assert int(vae.optimizer.iterations) == 8


def test_the_last_good_checkpoint_stays(tmp_path):
    vae = failing_model("kl_loss")
    vae.compile("adam", run_eagerly=True)
    with pytest.raises(FloatingPointError):
        fit(vae, callbacks=[kv.callbacks.Checkpoint(tmp_path)])
    checkpoint = kv.callbacks.Checkpoint(tmp_path)
    restored = checkpoint.restore({"Fails": Fails})
    assert checkpoint.epoch == 1
    assert_equal(state_of(restored), state_of(vae))


@keras.saving.register_keras_serializable("tests")
class FailsAt(keras.layers.Layer):
    """The identity, but for batches with a certain value in them."""

    def call(self, x):
        return tf.where(tf.reduce_any(x == 77.0), np.nan, x)


def test_what_one_replica_meets_changes_nothing_on_any():
    x = np.resize(X, (48, 6))
    x[40, 3] = 77.0
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()).scope():
        vae = small_vae(
            encoder=keras.Sequential([FailsAt(), keras.layers.Dense(9), keras.layers.BatchNormalization()]),
            likelihood=kv.likelihoods.Gaussian((6,), scale="optimal"),
        )
        vae.compile(keras.optimizers.AdamW(0.01))
    with pytest.raises(DivergenceError, match="`kl_loss` must be finite.* in training step 3"):
        vae.fit(kv.data.pipeline(x, batch_size=16), verbose=0)
    assert vae.optimizer.iterations.numpy() == 2
    assert all(np.isfinite(array).all() for array in state_of(vae))


def test_bad_data_are_named():
    x = X[:8].copy()
    x[3, 2] = np.nan
    vae = small_vae()
    vae.compile("adam", run_eagerly=True)
    before = state_of(vae)
    with pytest.raises(ValueError, match="`x` must be finite. Received: NaN or infinity, first in example 3"):
        vae.train_on_batch(x)
    vae.train_step(x)  # a door that looks at no values, such as a distributed data set's
    with pytest.raises(DivergenceError, match="`data` must be finite.* in training step 1. .* Look at the data set"):
        vae._run.guard.raise_if_diverged()
    assert_equal(state_of(vae), before)
    assert np.isfinite(vae.train_on_batch(X[:8])).all()


def test_a_regularizer_is_told_from_the_terms():
    vae = small_vae(encoder=keras.layers.Dense(9, kernel_regularizer=lambda kernel: tf.constant(np.inf)))
    vae.compile("adam", run_eagerly=True)
    with pytest.raises(DivergenceError, match="`loss` must be finite.* look at beta and at the regularisers"):
        fit(vae)


def test_an_overflow_that_the_loss_scale_mends_is_no_divergence():
    vae = failing_model("gradient", np.inf, step=2)
    vae.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01)), run_eagerly=True)
    fit(vae, epochs=1)
    assert float(vae.optimizer.dynamic_scale) == 2**14
    assert int(vae.optimizer.iterations) == STEPS - 1

    vae = failing_model("gradient", np.inf, step=2)
    vae.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01), initial_scale=1.0), run_eagerly=True)
    with pytest.raises(DivergenceError, match="`gradient` must be finite.* in training step 2"):
        fit(vae, epochs=1)


def test_half_precision_data_whose_sum_overflows_are_no_divergence():
    x = np.ones((64, 40, 40, 1), "float16")  # 102,400 ones
    vae = small_vae((40, 40, 1))
    vae.compile("adam", run_eagerly=True)
    assert np.isfinite(vae.train_on_batch(x)).all()
