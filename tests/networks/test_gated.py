"""Gated trunks."""

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

import keras_vae as kv

TRUNKS = {
    "mlp_encoder": (lambda **kwargs: kv.networks.MLPEncoder((5, 4), **kwargs), (3, 2)),
    "mlp_decoder": (lambda **kwargs: kv.networks.MLPDecoder((5, 4), **kwargs), (6,)),
    "conv_encoder": (lambda **kwargs: kv.networks.ConvEncoder((4, 8), **kwargs), (9, 7, 2)),
    "conv_decoder": (lambda **kwargs: kv.networks.ConvDecoder((8, 4), event_shape=(9, 7, 2), **kwargs), (6,)),
}
every_trunk = pytest.mark.parametrize("kind", TRUNKS)


@every_trunk
def test_gates_keep_the_shapes_and_double_the_weights(kind):
    make, shape = TRUNKS[kind]
    plain, gated = make(), make(gated=True)
    x = tf.ones([2, *shape])
    assert gated(x).shape == plain(x).shape
    assert gated.count_params() == 2 * plain.count_params()


@pytest.mark.parametrize(("activation", "function"), [("auto", lambda h: h), ("tanh", np.tanh)])
def test_a_gated_mlp_is_its_formula(activation, function):
    trunk = kv.networks.MLPEncoder((5, 4), gated=True, activation=activation, dtype="float64")
    x = hidden = np.random.default_rng(0).normal(size=(3, 6))
    trunk.build(x.shape)
    weights = trunk.get_weights()
    for w, b, v, c in (weights[:4], weights[4:]):
        hidden = function(hidden @ w + b) * scipy.special.expit(hidden @ v + c)
    np.testing.assert_allclose(trunk(x), hidden, rtol=1e-12)


@every_trunk
def test_the_activation_is_relu_unless_layers_are_gated(kind):
    make, _ = TRUNKS[kind]
    assert make().get_config()["activation"] == "relu"
    assert make(gated=True).get_config()["activation"] == "linear"
    assert make(gated=True, activation="elu").get_config()["activation"] == "elu"


@every_trunk
def test_all_weights_begin_as_the_initializer_says(kind):
    make, shape = TRUNKS[kind]
    trunk = make(gated=True, kernel_initializer="ones")
    trunk.build((None, *shape))
    for weight in trunk.get_weights():
        assert np.all(weight == (0.0 if weight.ndim == 1 else 1.0))


def test_he_normal_weights_have_the_published_variance():
    trunk = kv.networks.MLPEncoder((300, 300), gated=True, kernel_initializer="he_normal")
    trunk.build((None, 28, 28, 1))
    kernels = [weight for weight in trunk.get_weights() if weight.ndim == 2]
    assert [kernel.shape for kernel in kernels] == [(784, 300), (784, 300), (300, 300), (300, 300)]
    for kernel in kernels:
        assert np.std(kernel) == pytest.approx(np.sqrt(2 / len(kernel)), rel=0.02)
    assert len({kernel[0, 0] for kernel in kernels}) == 4


@every_trunk
@pytest.mark.parametrize("gated", [False, True])
def test_a_config_rebuilds_the_trunk(kind, gated):
    make, shape = TRUNKS[kind]
    trunk = make(gated=gated, kernel_initializer="he_normal")
    twin = type(trunk).from_config(trunk.get_config())
    x = tf.ones([2, *shape])
    trunk(x), twin(x)
    twin.set_weights(trunk.get_weights())
    np.testing.assert_array_equal(twin(x), trunk(x))


@every_trunk
def test_a_config_from_before_there_were_gates_still_rebuilds(kind):
    make, _ = TRUNKS[kind]
    config = make(activation="tanh").get_config()
    del config["gated"]
    trunk = TRUNKS[kind][0]().from_config(config)
    assert not trunk.gated and trunk.get_config()["activation"] == "tanh"


def test_gates_and_batch_normalization_together_are_refused():
    with pytest.raises(ValueError, match=r"`batch_normalization` must be False with gated=True.* Received: .*True"):
        kv.networks.ConvEncoder(gated=True, batch_normalization=True)
