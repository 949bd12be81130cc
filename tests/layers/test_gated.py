"""The gated layers."""

import keras
import numpy as np
import pytest
import scipy.signal
import scipy.special
import tensorflow as tf

import keras_vae as kv

LAYERS = {
    "dense": (lambda **kwargs: kv.layers.GatedDense(4, **kwargs), (5,)),
    "convolution": (lambda **kwargs: kv.layers.GatedConv2D(4, 3, **kwargs), (6, 7, 2)),
    "transposed": (lambda **kwargs: kv.layers.GatedConv2DTranspose(4, 3, **kwargs), (6, 7, 2)),
}
every_layer = pytest.mark.parametrize("kind", LAYERS)


def made(kind, **kwargs):
    """Make a layer with random weights, biases among them, and an input."""
    make, shape = LAYERS[kind]
    layer = make(dtype="float64", **kwargs)
    layer.build((None, *shape))
    generator = np.random.default_rng(0)
    layer.set_weights([generator.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer, generator.normal(size=(3, *shape))


def correlated(x, kernel, bias):
    """Correlate images (height, width, channels) with a kernel, by SciPy, and keep what lies within."""
    return bias + np.stack(
        [
            sum(scipy.signal.correlate2d(x[..., i], kernel[..., i, o], "valid") for i in range(x.shape[-1]))
            for o in range(kernel.shape[-1])
        ],
        axis=-1,
    )


@pytest.mark.parametrize(("activation", "function"), [(None, lambda h: h), ("tanh", np.tanh)])
def test_a_dense_layer_is_its_formula(activation, function):
    layer, x = made("dense", activation=activation)
    w, b, v, c = layer.get_weights()
    np.testing.assert_allclose(layer(x), function(x @ w + b) * scipy.special.expit(x @ v + c), rtol=1e-12)


def test_a_convolution_is_its_formula():
    layer, x = made("convolution")
    w, b, v, c = layer.get_weights()
    expected = [correlated(image, w, b) * scipy.special.expit(correlated(image, v, c)) for image in x]
    np.testing.assert_allclose(layer(x), expected, rtol=1e-10)


def test_a_transposed_convolution_is_its_formula():
    layer, x = made("transposed")
    w, b, v, c = layer.get_weights()

    def enlarged(image, kernel, bias):  # a full correlation with the kernel turned around
        padded = np.pad(image, [(2, 2), (2, 2), (0, 0)])
        return correlated(padded, np.swapaxes(kernel[::-1, ::-1], -1, -2), bias)

    expected = [enlarged(image, w, b) * scipy.special.expit(enlarged(image, v, c)) for image in x]
    np.testing.assert_allclose(layer(x), expected, rtol=1e-10)


@every_layer
def test_a_closed_gate_lets_nothing_through_and_an_open_one_everything(kind):
    layer, x = made(kind, use_bias=False)
    ungated = layer.value(x)
    layer.gate.kernel.assign(tf.zeros_like(layer.gate.kernel))
    np.testing.assert_allclose(layer(x), 0.5 * ungated, rtol=1e-12)


@every_layer
def test_value_and_gate_begin_with_weights_of_their_own(kind):
    make, shape = LAYERS[kind]
    layer = make(kernel_initializer=keras.initializers.HeNormal())
    layer.build((None, *shape))
    assert layer.kernel_initializer.__class__ is keras.initializers.HeNormal
    assert not np.any(layer.value.kernel.numpy() == layer.gate.kernel.numpy())


@every_layer
def test_symbolic_and_real_shapes_agree(kind):
    layer, x = made(kind)
    assert layer.compute_output_shape((3, *x.shape[1:])) == layer(x).shape
    assert layer(keras.KerasTensor((None, *x.shape[1:]))).shape == (None, *layer(x).shape[1:])


@pytest.mark.parametrize(("padding", "strides"), [("same", 2), ("valid", 3)])
def test_strides_shrink_and_enlarge_as_in_keras(padding, strides):
    for ours, theirs in (
        (kv.layers.GatedConv2D, keras.layers.Conv2D),
        (kv.layers.GatedConv2DTranspose, keras.layers.Conv2DTranspose),
    ):
        expected = theirs(4, 5, strides=strides, padding=padding)(tf.zeros([2, 9, 12, 3])).shape
        assert ours(4, 5, strides=strides, padding=padding)(tf.zeros([2, 9, 12, 3])).shape == expected


@every_layer
def test_a_saved_model_computes_the_same(kind, tmp_path):
    make, shape = LAYERS[kind]
    model = keras.Sequential([keras.Input(shape), make(activation="tanh")])
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(3, *shape)).astype("float32")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(x), model(x))


@every_layer
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_computes_in_half_and_keeps_weights_in_float32(kind, policy):
    make, shape = LAYERS[kind]
    layer = make(dtype=policy)
    assert layer(tf.ones([2, *shape])).dtype == policy.removeprefix("mixed_")
    assert {weight.dtype for weight in layer.get_weights()} == {np.dtype("float32")}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: kv.layers.GatedDense(0), r"`units` must be >= 1. Received: units=0"),
        (lambda: kv.layers.GatedConv2D(4, 0), r"`kernel_size` must be >= 1. Received: kernel_size=0"),
        (lambda: kv.layers.GatedConv2D(4, 3, strides=1.5), r"`strides` must be an integer. Received: strides=1.5"),
        (lambda: kv.layers.GatedConv2DTranspose(0, 3), r"`filters` must be >= 1. Received: filters=0"),
        (lambda: kv.layers.GatedConv2D(4, 3, padding="full"), r"`padding` must be one of .* Received: padding='full'"),
    ],
)
def test_arguments_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
