"""Several replicas: the same gradients as one, each with noise of its own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.models.conftest import binary, small_vae
from tests.soaked import soaked

X = binary(67)
WEIGHT = np.linspace(0.1, 2.0, 67).astype("float32")
QUIET = (-40.0, -39.9)  # so little noise that runs with other noise compare
FREE_BITS = 19.512  # between the rates of the two latent dimensions of a fresh model


def trained(num_replicas, *, data, cross_device_ops, epochs=3, **parts):
    """Train on a global batch of 16 with a ragged last one of 3, and return the weights and the history."""
    strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(num_replicas)], cross_device_ops)
    with strategy.scope():
        keras.utils.set_random_seed(1)
        made = {name: make() for name, make in parts.items()}
        vae = small_vae(posterior=kv.posteriors.DiagonalGaussian(2, log_var_range=QUIET), **made)
        vae.compile(keras.optimizers.SGD(0.05))
    history = vae.fit(data(), validation_data=data(), epochs=epochs, verbose=0).history
    return vae.get_weights(), history


CASES = {
    "plain": ({}, {}),
    "free_bits": ({}, {"objective": lambda: kv.objectives.ELBO(free_bits=FREE_BITS)}),
    "optimal_scale": ({}, {"likelihood": lambda: kv.likelihoods.Gaussian((6,), scale="optimal")}),
    "sample_weight and regularizer": (
        {"sample_weight": WEIGHT},
        {"encoder": lambda: keras.Sequential([keras.layers.Dense(9, kernel_regularizer="l2")])},
    ),
}


@pytest.mark.parametrize("case", soaked(CASES, quick=["sample_weight and regularizer"]))
def test_two_replicas_train_as_one_on_the_whole_batch(case):
    settings, parts = CASES[case]

    def data():
        return kv.data.pipeline(X, batch_size=16, shuffle=True, seed=3, **settings)

    # TensorFlow's default reduction takes one model's shapes a process; one case has it, the others the simple one.
    cross_device_ops = None if case == "plain" else tf.distribute.ReductionToOneDevice()
    one, two = (trained(n, data=data, cross_device_ops=cross_device_ops, **parts) for n in (1, 2))
    for weight_1, weight_2 in zip(one[0], two[0], strict=True):
        np.testing.assert_allclose(weight_1, weight_2, atol=2e-5)
    for name, values in one[1].items():
        np.testing.assert_allclose(two[1][name], values, rtol=1e-4, err_msg=name)


@pytest.mark.soak
def test_the_loss_curve_on_four_devices_is_that_of_one():
    # The last batch has three images, so that one of the devices has none.
    def data():
        return kv.data.pipeline(X, batch_size=16, shuffle=True, seed=3)

    reduction = tf.distribute.ReductionToOneDevice()
    one, four = (trained(n, data=data, cross_device_ops=reduction)[1] for n in (1, 4))
    for name, values in one.items():
        np.testing.assert_allclose(four[name], values, rtol=1e-4, err_msg=name)


def test_the_free_bits_case_has_dimensions_on_both_sides():
    keras.utils.set_random_seed(1)
    vae = small_vae(posterior=kv.posteriors.DiagonalGaussian(2, log_var_range=QUIET))
    latent = vae.infer(X, seed=0).latents[0]
    rates = kv.divergences.closed_form_kl_per_dimension(latent.posterior, latent.prior)
    assert (rates.numpy().mean(axis=0) >= FREE_BITS).any()
    assert (rates.numpy().mean(axis=0) < FREE_BITS).any()


def test_replicas_draw_different_noise():
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        vae = small_vae()
        vae.compile("adam")
        sampling = kv.Sampling(seed=5)

    def model_noise():
        return vae.infer(X[:4], seed=vae._noise_seed(0, 0)).latents[0].z

    def layer_noise():
        return sampling([tf.zeros([4, 2]), tf.zeros([4, 2])])

    for draw in (model_noise, layer_noise):
        first, second = strategy.experimental_local_results(tf.function(lambda draw=draw: strategy.run(draw))())
        assert np.abs(first.numpy() - second.numpy()).min() > 1e-6


@pytest.mark.parametrize("options", [{"steps_per_execution": 2}, {"jit_compile": True}, {"run_eagerly": True}])
def test_options_that_fail_under_replicas_are_refused(options):
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        vae = small_vae()
        with pytest.raises(ValueError, match=f"`{next(iter(options))}` must be .* with more than one replica"):
            vae.compile("adam", **options)
