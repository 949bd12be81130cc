"""Half precision: the same step as float32, to the precision of the type."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.models.conftest import binary, small_vae
from tests.soaked import soaked

# Few of them: on the CPU TensorFlow sums a bias's gradient over all pixels in bfloat16, and long sums stagnate.
IMAGES = binary(4, (12, 12, 1))


def one_step(policy, likelihood=None):
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(2)
    vae = small_vae(
        (12, 12, 1),
        encoder=kv.networks.ConvEncoder((8, 16)),
        decoder=kv.networks.ConvDecoder((16, 8)),
        likelihood=likelihood and likelihood(),
        posterior=kv.posteriors.DiagonalGaussian(2),
    )
    # A step of SGD shows a gradient's size, which Adam would hide.
    optimizer = keras.optimizers.SGD(1e-3)
    if policy == "mixed_float16":
        # From Keras's 32768 TensorFlow 2.19 overflows, skips steps, and takes its first one with other noise.
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=256.0)
    vae.compile(optimizer)
    before = vae.get_weights()
    logs = vae.train_on_batch(IMAGES, return_dict=True)
    return logs, [new - old for old, new in zip(before, vae.get_weights(), strict=True)], vae


@pytest.mark.parametrize(
    ("policy", "precision"),
    soaked([("mixed_float16", 2e-3), ("mixed_bfloat16", 2e-2)], quick=[("mixed_float16", 2e-3)]),
)
def test_a_step_agrees_with_float32(policy, precision):
    expected, expected_step, _ = one_step("float32")
    logs, step, vae = one_step(policy)
    assert vae.compute_dtype in policy
    for name, value in expected.items():
        assert logs[name] == pytest.approx(value, rel=precision), name
    expected_step, step = (np.concatenate([part.ravel() for part in parts]) for parts in (expected_step, step))
    # Rounding in the layers adds up where gradients nearly cancel; a lost loss scale would leave 1 / 32768 of the step.
    assert np.linalg.norm(step - expected_step) <= 10 * precision * np.linalg.norm(expected_step)


def test_statistics_are_computed_in_float32():
    _, _, vae = one_step("mixed_float16")
    record = vae.infer(IMAGES, seed=0)
    assert {record.batch.x.dtype, record.latents[0].z.dtype, record.likelihood.dtype} == {tf.float32}
    assert vae.encode(IMAGES).dtype == vae.reconstruct(IMAGES).dtype == np.float32


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_sums_that_overflow_half_precision_stay_finite(policy):
    # 144 pixels at a scale of 1e-3 give a log-likelihood near -5e7, far above the largest float16.
    logs, _, _ = one_step(policy, lambda: kv.likelihoods.Gaussian((12, 12, 1), scale=1e-3))
    assert logs["reconstruction_loss"] > 1e6 and np.isfinite(logs["reconstruction_loss"])


def test_values_that_overflow_float16_are_refused():
    keras.config.set_dtype_policy("mixed_float16")
    vae = small_vae((6,), likelihood=kv.likelihoods.Gaussian((6,)))
    vae.compile("adam")
    with pytest.raises(ValueError, match=r"must fit into float16 .* Received: values from 0 to 100000"):
        vae.fit(np.array([[0.0, 0, 0, 0, 0, 1e5]], "float32"), verbose=0)


def number(variable):
    """Return the value of a variable that several replicas may have."""
    return keras.ops.convert_to_numpy(variable).item()


def test_a_gradient_that_overflows_on_one_replica_is_skipped_by_all():
    keras.config.set_dtype_policy("mixed_float16")
    images = np.zeros((4, 6), "float32")
    images[2:] = 60.0  # the second replica's
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()).scope():
        vae = small_vae((6,), likelihood=kv.likelihoods.Gaussian((6,), scale=1.0))
        vae.compile(keras.optimizers.SGD(1e-6))
        optimizer = vae.optimizer
    before, scale = vae.get_weights(), number(optimizer.dynamic_scale)
    vae.fit(images, batch_size=4, epochs=1, shuffle=False, verbose=0)
    assert number(optimizer.iterations) == 0
    assert number(optimizer.dynamic_scale) == scale / 2
    for old, new in zip(before, vae.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
