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


XLA = pytest.param({"jit_compile": True, "steps_per_execution": 3}, marks=pytest.mark.soak, id="xla")
CASES = [
    pytest.param("kl_loss", np.nan, {}, id="plain"),
    pytest.param("reconstruction_loss", np.inf, {"steps_per_execution": 3}, marks=pytest.mark.soak, id="several_steps"),
    pytest.param("gradient", np.inf, {"run_eagerly": True}, marks=pytest.mark.soak, id="eager"),
    pytest.param("gradient", np.nan, *XLA.values, marks=XLA.marks, id="xla"),
]


@pytest.mark.parametrize(("term", "value", "options"), CASES)
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


@keras.saving.register_keras_serializable("tests")
class NaNAt(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is no number in one step, counted from 0."""

    def __init__(self, step):
        self.step = step

    def __call__(self, step):
        return tf.where(tf.cast(step, tf.int32) == self.step, np.nan, 0.01)

    def get_config(self):
        return {"step": self.step}


@pytest.mark.parametrize("options", [pytest.param({}, id="plain"), XLA])
def test_a_learning_rate_that_is_no_number_is_named_and_changes_nothing(tmp_path, options):
    vae = small_vae(encoder=trunk())
    vae.compile(keras.optimizers.AdamW(NaNAt(STEPS)), **options)
    keep, checkpoint = Keep(), kv.callbacks.Checkpoint(tmp_path)
    message = (
        "`learning_rate` must be finite.* in training step 5. The weights are those of step 4. Look at the schedule"
    )
    with pytest.raises(DivergenceError, match=message):
        fit(vae, callbacks=[keep, checkpoint])
    assert_equal(state_of(vae), keep.states[0])
    again = kv.callbacks.Checkpoint(tmp_path)
    assert_equal(state_of(again.restore()), keep.states[0])
    assert again.epoch == 1


@keras.saving.register_keras_serializable("tests")
class SpoilsAt(keras.constraints.Constraint):
    """Makes weights NaN when they have been looked at so many times: after an update whose gradient was finite."""

    def __init__(self, step):
        self.step = step
        self.calls = tf.Variable(0, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)

    def __call__(self, weights):
        return tf.where(self.calls.assign_add(1) == self.step, np.nan, tf.convert_to_tensor(weights))

    def get_config(self):
        return {"step": self.step}


@pytest.mark.parametrize(
    "options",
    [{}, pytest.param({"jit_compile": True}, marks=pytest.mark.soak), {"run_eagerly": True}],
    ids=["plain", "xla", "eager"],
)
def test_an_update_that_spoils_the_weights_is_named_with_its_step_and_taken_back(options):
    # Behind a relu, which hides them from every term.
    hidden = keras.layers.Dense(9, activation="relu", kernel_constraint=SpoilsAt(STEPS + 2))
    vae = small_vae(encoder=keras.Sequential([hidden, keras.layers.BatchNormalization()]))
    vae.compile(keras.optimizers.SGD(0.01), **options)
    keep = Keep()
    message = "`weights` must be finite.* in training step 6. The weights are those of step 4."
    with pytest.raises(DivergenceError, match=message) as caught:
        fit(vae, callbacks=[keep])
    assert (caught.value.term, caught.value.step) == ("weights", 6)
    assert_equal(state_of(vae), keep.states[0])


def test_in_the_only_epoch_too():
    vae = small_vae()
    vae.compile(keras.optimizers.SGD(NaNAt(STEPS - 1)), run_eagerly=True)
    with pytest.raises(DivergenceError, match="`learning_rate` must be finite.* in training step 4"):
        fit(vae, epochs=1)


@pytest.mark.parametrize("largest", [1e20, 3e37])
def test_data_that_are_too_large_shall_be_rescaled(largest):
    vae = small_vae(likelihood=kv.likelihoods.Gaussian((6,), scale=1.0))
    vae.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    with pytest.raises(
        DivergenceError, match=rf"The data reach {largest:.3g}: rescale the data".replace("+", r"\+")
    ) as caught:
        vae.fit(np.float32(largest * X), batch_size=8, epochs=20, shuffle=False, verbose=0)
    assert caught.value.term != "data"


def of_a_data_set(x):
    return tf.data.Dataset.from_tensor_slices(x).batch(8)


def of_a_generator(x):
    return (x[start : start + 8] for start in range(0, len(x), 8))


@pytest.mark.parametrize("make", [of_a_data_set, of_a_generator])
def test_nan_within_a_data_set_is_named_with_its_step(make):
    x = np.resize(X, (64, 6)).copy()
    x[37, 2] = np.nan  # in the fifth batch
    vae = small_vae()
    vae.compile("adam", steps_per_execution=1 if make is of_a_generator else 3)
    with pytest.raises(
        DivergenceError, match="`data` must be finite.* in training step 5. .* those of step 4. .* with `missing=True`."
    ) as caught:
        vae.fit(make(x), verbose=0)
    assert (caught.value.term, caught.value.step) == ("data", 5)
    assert int(vae.optimizer.iterations) == 4
    assert all(np.isfinite(array).all() for array in state_of(vae))


def test_weights_that_are_not_finite_are_neither_trained_nor_evaluated_nor_saved_nor_loaded(tmp_path):
    vae = small_vae()
    vae.compile("adam", run_eagerly=True)
    good = tmp_path / "good.keras"
    vae.save(good)
    content = good.read_bytes()
    kernel = vae.encoder.layers[0].kernel if hasattr(vae.encoder, "layers") else vae.trainable_variables[0]
    kernel.assign(np.full(kernel.shape, np.nan))
    for purpose, verb in (
        ("to be trained", lambda: vae.fit(X, verbose=0)),
        ("to be evaluated", lambda: vae.evaluate(X, verbose=0)),
        ("to be saved", lambda: vae.save(good)),
        ("to be saved", lambda: vae.save_weights(tmp_path / "x.weights.h5")),
    ):
        with pytest.raises(FloatingPointError, match=f"The weights must be finite {purpose}: .* in .*kernel"):
            verb()
    assert good.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["good.keras"]
    keras.saving.save_model(vae, tmp_path / "spoilt.keras")  # another program may
    with pytest.raises(ValueError, match=r"spoilt.keras' \(The weights must be finite in a file"):
        kv.load_model(tmp_path / "spoilt.keras")


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


@pytest.mark.soak
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
