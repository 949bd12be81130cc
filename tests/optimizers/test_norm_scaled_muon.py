"""Muon on gradients of unit norm, against the singular value decomposition and `NormScaledAdam`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.models.conftest import binary, small_vae
from tests.stacks import since_keras

pytestmark = since_keras("3.13")

SHAPES = [(6, 4), (3, 8), (3,), ()]


def random_gradients(steps=4):
    generator = np.random.default_rng(0)
    return [[generator.normal(scale=10.0, size=shape).astype("float32") for shape in SHAPES] for _ in range(steps)]


def applied(gradients, optimizer):
    """Return weights that begin at zero."""
    variables = [keras.Variable(np.zeros(shape, "float32"), name=f"part_{i}") for i, shape in enumerate(SHAPES)]
    for parts in gradients:
        optimizer.apply([tf.constant(part) for part in parts], variables)
    return [variable.numpy() for variable in variables]


def test_a_matrix_moves_by_the_orthogonal_matrix_nearest_to_its_momentum():
    gradients = random_gradients()
    weights = [applied(gradients[:steps], kv.optimizers.NormScaledMuon(0.01, weight_decay=None)) for steps in (3, 4)]
    for index in (0, 1):
        momentum = 0.0
        for parts in gradients:
            scaled = parts[index] / np.linalg.norm(parts[index])
            momentum = 0.95 * momentum + scaled
        left, _, right = np.linalg.svd(scaled + 0.95 * momentum, full_matrices=False)  # Nesterov's
        step = (weights[0][index] - weights[1][index]) / (0.01 * 0.2 * np.sqrt(max(SHAPES[index])))
        in_its_axes = left.T @ step @ right.T
        # Keras's five Newton-Schulz steps bring singular values near 1, not to it.
        assert np.all((np.diag(in_its_axes) > 0.6) & (np.diag(in_its_axes) < 1.3))
        np.testing.assert_allclose(in_its_axes, np.diag(np.diag(in_its_axes)), atol=1e-4)


def test_what_is_no_matrix_or_is_left_out_moves_as_with_norm_scaled_adam():
    gradients, decay = random_gradients(), {"adam_weight_decay": 0.1}
    adam = applied(gradients, kv.optimizers.NormScaledAdam(0.01, weight_decay=0.1))
    muon = applied(gradients, kv.optimizers.NormScaledMuon(0.01, exclude_layers=["part_1"], **decay))
    for index in (1, 2, 3):
        np.testing.assert_allclose(muon[index], adam[index], rtol=1e-5)
    assert not np.allclose(muon[0], adam[0], rtol=0.1)


def test_steps_of_any_steepness_count_alike():
    gradients = random_gradients()
    steeper = [[1000.0**step * part for part in parts] for step, parts in enumerate(gradients)]
    flat, steep = (applied(each, kv.optimizers.NormScaledMuon(0.01)) for each in (gradients, steeper))
    for one, other in zip(steep, flat, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-7)
    assert not np.allclose(
        applied(steeper, keras.optimizers.Muon(0.01))[0], applied(gradients, keras.optimizers.Muon(0.01))[0]
    )


def test_a_gradient_of_zero_changes_nothing():
    for weights in applied([[np.zeros(shape, "float32") for shape in SHAPES]], kv.optimizers.NormScaledMuon(0.01)):
        np.testing.assert_array_equal(weights, 0.0)


@pytest.mark.soak
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_a_model_trains_with_it_with_and_without_xla(policy):
    keras.config.set_dtype_policy(policy)

    def trained(jit_compile):
        keras.utils.set_random_seed(1)
        vae = small_vae(posterior=kv.posteriors.Deterministic(2), objective=kv.objectives.Reconstruction())
        vae.compile(kv.optimizers.NormScaledMuon(0.01), jit_compile=jit_compile)
        return vae.fit(binary(64), batch_size=16, epochs=4, verbose=0).history["loss"]

    plain, compiled = trained(False), trained(True)
    assert plain[-1] < plain[0]
    np.testing.assert_allclose(compiled, plain, rtol=1e-3 if policy == "float32" else 2e-2)


def test_a_saved_model_goes_on_with_its_momenta(tmp_path):
    vae, x = small_vae(posterior=kv.posteriors.Deterministic(2), objective=kv.objectives.Reconstruction()), binary(32)
    vae.compile(kv.optimizers.NormScaledMuon(0.01, norm_epsilon=1e-6, exclude_layers=["decoder"]))
    vae.fit(x, batch_size=8, verbose=0)
    vae.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.get_config() == vae.optimizer.get_config()
    for each in (vae, loaded):
        each.fit(x, batch_size=8, epochs=2, initial_epoch=1, verbose=0)
    for one, other in zip(loaded.get_weights(), vae.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("norm_epsilon", [0.0, -1.0, None])
def test_a_norm_epsilon_that_is_not_positive_is_refused(norm_epsilon):
    with pytest.raises(ValueError, match=r"`norm_epsilon` must be .* Received: norm_epsilon="):
        kv.optimizers.NormScaledMuon(norm_epsilon=norm_epsilon)
