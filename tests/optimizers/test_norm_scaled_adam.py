"""Adam on gradients of unit norm, against Adam in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.models.conftest import binary, small_vae

SHAPES = [(4, 3), (3,), ()]
RTOL = 2e-5  # Keras holds the learning rate and the decay rates of the moments in float32


def random_gradients(steps=5):
    generator = np.random.default_rng(0)
    return [[np.asarray(generator.normal(scale=10.0, size=shape)) for shape in SHAPES] for _ in range(steps)]


def numpy_adam(gradients, learning_rate=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-7, norm_epsilon=1e-7):
    """Return weights that begin at zero, after Adam (Kingma & Ba 2015, section 2, last lines) on scaled gradients."""
    weights = [np.zeros(shape) for shape in SHAPES]
    first, second = ([np.zeros(shape) for shape in SHAPES] for _ in range(2))
    for step, step_gradients in enumerate(gradients, start=1):
        rate = learning_rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        for i, gradient in enumerate(step_gradients):
            scaled = gradient / (np.sqrt(np.sum(gradient**2)) + norm_epsilon)
            first[i] = beta_1 * first[i] + (1 - beta_1) * scaled
            second[i] = beta_2 * second[i] + (1 - beta_2) * scaled**2
            weights[i] = weights[i] - rate * first[i] / (np.sqrt(second[i]) + epsilon)
    return weights


def applied(gradients, optimizer, dtype="float64"):
    variables = [keras.Variable(np.zeros(shape), dtype=dtype) for shape in SHAPES]
    for step_gradients in gradients:
        optimizer.apply([tf.constant(gradient, dtype) for gradient in step_gradients], variables)
    return [variable.numpy() for variable in variables]


def assert_equal_weights(ones, others, **tolerance):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_allclose(one, other, **tolerance)


def test_updates_are_those_of_adam_on_scaled_gradients():
    gradients = random_gradients()
    assert_equal_weights(applied(gradients, kv.optimizers.NormScaledAdam(0.01)), numpy_adam(gradients), rtol=RTOL)


def test_its_arguments_are_adams_and_the_norms_epsilon():
    gradients, arguments = random_gradients(), {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3, "norm_epsilon": 0.5}
    optimizer = kv.optimizers.NormScaledAdam(0.1, **arguments)
    assert_equal_weights(applied(gradients, optimizer), numpy_adam(gradients, 0.1, **arguments), rtol=RTOL)


def test_steps_of_any_steepness_count_alike():
    gradients = random_gradients()
    steeper = [[1000.0**step * part for part in parts] for step, parts in enumerate(gradients)]
    flat, steep = (applied(each, kv.optimizers.NormScaledAdam(0.01)) for each in (gradients, steeper))
    assert_equal_weights(steep, flat, rtol=1e-6)
    assert not np.allclose(
        applied(steeper, keras.optimizers.Adam(0.01))[0], applied(gradients, keras.optimizers.Adam(0.01))[0]
    )


def test_a_gradient_of_zero_changes_nothing():
    zeros = [[np.zeros(shape) for shape in SHAPES]]
    assert_equal_weights(applied(zeros, kv.optimizers.NormScaledAdam(0.01)), zeros[0])


def test_accumulated_gradients_are_scaled_as_one():
    gradients = random_gradients(2)
    mean = [np.mean(parts, axis=0) for parts in zip(*gradients, strict=True)]
    optimizer = kv.optimizers.NormScaledAdam(0.01, gradient_accumulation_steps=2)
    assert_equal_weights(applied(gradients, optimizer), numpy_adam([mean]), rtol=RTOL)


def test_norms_that_overflow_half_precision_do_not():
    gradients = [[np.full(shape, 3e4) for shape in SHAPES]]
    scaled = [[np.full(shape, np.prod(shape) ** -0.5) for shape in SHAPES]]
    weights = applied(gradients, kv.optimizers.NormScaledAdam(0.01), "float16")
    assert_equal_weights(weights, applied(scaled, keras.optimizers.Adam(0.01), "float16"), rtol=2e-3)


def test_the_loss_scale_of_mixed_precision_changes_nothing():
    gradients = random_gradients()
    optimizer = keras.optimizers.LossScaleOptimizer(kv.optimizers.NormScaledAdam(0.01), initial_scale=1024.0)
    scaled = [[1024.0 * part for part in parts] for parts in gradients]
    assert_equal_weights(applied(scaled, optimizer, "float32"), numpy_adam(gradients), rtol=1e-4)


def test_a_compiled_function_gives_the_same_updates():
    gradients = random_gradients()
    optimizer = kv.optimizers.NormScaledAdam(0.01)
    variables = [keras.Variable(np.zeros(shape), dtype="float32") for shape in SHAPES]
    optimizer.build(variables)
    step = tf.function(lambda parts: optimizer.apply(parts, variables), jit_compile=True)
    for parts in gradients:
        step([tf.constant(part, tf.float32) for part in parts])
    assert_equal_weights([variable.numpy() for variable in variables], numpy_adam(gradients), rtol=1e-4)


@pytest.mark.soak
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_a_model_trains_with_it_with_and_without_xla(policy):
    keras.config.set_dtype_policy(policy)

    def trained(jit_compile):
        keras.utils.set_random_seed(1)
        vae = autoencoder()
        vae.compile(kv.optimizers.NormScaledAdam(0.01), jit_compile=jit_compile)
        assert isinstance(vae.optimizer, keras.optimizers.LossScaleOptimizer) == (policy == "mixed_float16")
        losses = vae.fit(binary(64), batch_size=16, epochs=4, verbose=0).history["loss"]
        return losses

    plain, compiled = trained(False), trained(True)
    assert plain[-1] < plain[0]
    np.testing.assert_allclose(compiled, plain, rtol=1e-4 if policy == "float32" else 1e-2)


def autoencoder():
    """Make a model without noise, so that runs compare."""
    return small_vae(posterior=kv.posteriors.Deterministic(2), objective=kv.objectives.Reconstruction())


@pytest.mark.soak
def test_two_replicas_scale_the_gradient_of_the_whole_batch():
    def trained(num_replicas):
        strategy = tf.distribute.MirroredStrategy(
            [f"CPU:{i}" for i in range(num_replicas)], tf.distribute.ReductionToOneDevice()
        )
        with strategy.scope():
            keras.utils.set_random_seed(1)
            vae = autoencoder()
            vae.compile(kv.optimizers.NormScaledAdam(0.01))
        vae.fit(kv.data.pipeline(binary(67), batch_size=16, shuffle=True, seed=3), epochs=2, verbose=0)
        return vae.get_weights()

    assert_equal_weights(trained(2), trained(1), atol=2e-5)


def test_a_saved_model_goes_on_with_its_moments(tmp_path):
    vae, x = autoencoder(), binary(32)
    vae.compile(kv.optimizers.NormScaledAdam(0.01, norm_epsilon=1e-6))
    vae.fit(x, batch_size=8, verbose=0)
    vae.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.get_config() == vae.optimizer.get_config()
    assert loaded.optimizer.norm_epsilon == 1e-6
    for each in (vae, loaded):
        each.fit(x, batch_size=8, epochs=2, initial_epoch=1, verbose=0)
    assert_equal_weights(loaded.get_weights(), vae.get_weights(), atol=1e-6)


@pytest.mark.parametrize("norm_epsilon", [0.0, -1.0, None])
def test_a_norm_epsilon_that_is_not_positive_is_refused(norm_epsilon):
    with pytest.raises(ValueError, match=r"`norm_epsilon` must be .* Received: norm_epsilon="):
        kv.optimizers.NormScaledAdam(norm_epsilon=norm_epsilon)
