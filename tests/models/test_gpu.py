"""What wants a GPU: `pytest -m gpu` runs these, and says why it cannot where there is none."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.models.conftest import binary

GPUS = tf.config.list_physical_devices("GPU")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not GPUS, reason="TensorFlow sees no GPU: install the extra `gpu` on a machine with one"),
]

X = binary(256, (28, 28, 1))


def conv_vae():
    return kv.VAE(
        encoder=kv.networks.ConvEncoder((32, 64)),
        posterior=kv.posteriors.DiagonalGaussian(8),
        decoder=kv.networks.ConvDecoder((64, 32)),
        likelihood=kv.likelihoods.Bernoulli((28, 28, 1)),
        seed=0,
    )


def test_fit_runs_on_the_gpu_and_learns():
    vae = conv_vae()
    vae.compile("adam")
    history = vae.fit(X, batch_size=64, epochs=5, verbose=0).history
    assert "GPU" in vae.trainable_variables[0].value.device
    assert history["elbo"][-1] > history["elbo"][0]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_one_step_agrees_with_the_cpu(jit_compile):
    weights, results = None, []
    for device in ("CPU:0", "GPU:0"):
        with tf.device(device):
            vae = kv.VAE(
                encoder=kv.networks.ConvEncoder((32, 64)),
                posterior=kv.posteriors.DiagonalGaussian(8, log_var_range=(-40.0, -39.9)),
                decoder=kv.networks.ConvDecoder((64, 32)),
                likelihood=kv.likelihoods.Bernoulli((28, 28, 1)),
                seed=0,
            )
            vae.compile(keras.optimizers.SGD(1e-3), jit_compile=jit_compile)
            weights = weights or vae.get_weights()
            vae.set_weights(weights)
            results.append(vae.train_on_batch(X[:32], return_dict=True))
    for name, value in results[0].items():
        assert results[1][name] == pytest.approx(value, rel=1e-3), name


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_trains(policy):
    keras.config.set_dtype_policy(policy)
    vae = conv_vae()
    vae.compile("adam", jit_compile=True)
    history = vae.fit(X, batch_size=64, epochs=5, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert history["elbo"][-1] > history["elbo"][0]


def test_gpu_memory_does_not_grow_from_epoch_to_epoch():
    vae = conv_vae()
    vae.compile("adam")
    vae.fit(X, batch_size=64, epochs=2, verbose=0)
    tf.config.experimental.reset_memory_stats("GPU:0")
    vae.fit(X, batch_size=64, epochs=2, verbose=0)
    peak = tf.config.experimental.get_memory_info("GPU:0")["peak"]
    vae.fit(X, batch_size=64, epochs=10, verbose=0)
    assert tf.config.experimental.get_memory_info("GPU:0")["peak"] <= 1.05 * peak
