"""Convolutional trunks, for images of any size and number of channels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv

SHAPES = [(28, 28, 1), (29, 31, 3), (1, 1, 1), (5, 7, 2), (2, 9, 4)]


def images(*shape, batch=2, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, *shape)).astype("float32")


def halved(size, times, strides=2):
    for _ in range(times):
        size = -(-size // strides)
    return size


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("options", [{}, {"strides": 3, "kernel_size": 5}, {"strides": 1}], ids=str)
def test_the_encoder_divides_each_size_rounding_up(shape, options):
    encoder = kv.networks.ConvEncoder((3, 4, 5), **options)
    strides = options.get("strides", 2)
    expected = (halved(shape[0], 3, strides), halved(shape[1], 3, strides), 5)
    assert encoder(images(*shape)).shape == (2, *expected)
    assert encoder.compute_output_shape((None, *shape)) == (None, *expected)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("options", [{}, {"strides": 3, "kernel_size": 5}, {"strides": 1}], ids=str)
def test_the_decoder_comes_out_at_the_images_size_exactly(shape, options):
    decoder = kv.networks.ConvDecoder((5, 4, 3), event_shape=shape, **options)
    assert decoder.compute_output_shape((None, 6)) == (None, *shape[:2], 3)
    assert decoder(images(6)).shape == (2, *shape[:2], 3)


def test_the_decoder_begins_at_the_encoders_smallest_map():
    encoder, decoder = kv.networks.ConvEncoder((3, 4)), kv.networks.ConvDecoder((4, 3), event_shape=(29, 31, 1))
    assert encoder.compute_output_shape((None, 29, 31, 1)) == (None, 8, 8, 4)
    decoder.build((None, 6))
    assert decoder.get_weights()[0].shape == (6, 8 * 8 * 4)


def test_the_encoder_is_its_convolutions():
    encoder = kv.networks.ConvEncoder((3,), activation="relu")
    x = images(6, 5, 2)
    kernel, bias = (encoder(x), encoder.get_weights())[1]
    expected = tf.nn.relu(tf.nn.conv2d(x, kernel, strides=2, padding="SAME") + bias)
    np.testing.assert_allclose(encoder(x), expected, rtol=1e-4, atol=1e-5)


def test_every_pixel_of_an_odd_size_reaches_and_is_reached():
    # Cropping on one side must not leave a border that nothing depends on.
    decoder = kv.networks.ConvDecoder((4, 3), event_shape=(5, 7, 1), activation="tanh")
    z = tf.constant(images(6))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        features = decoder(z)
        pixels = tf.reduce_sum(features, axis=[0, 3])
        pixels = [pixels[i, j] for i in range(5) for j in range(7)]
    assert all(tf.reduce_any(tape.gradient(pixel, z) != 0) for pixel in pixels)


@pytest.mark.parametrize("training", [True, False])
def test_batch_normalisation_uses_the_batch_in_training_alone(training):
    encoder = kv.networks.ConvEncoder((3,), batch_normalization=True, activation="linear")
    x = 5.0 + 3.0 * images(8, 8, 1, batch=16)
    encoder(x)
    before = encoder.get_weights()
    features = encoder(x, training=training).numpy()
    is_normal = np.allclose(features.mean(axis=(0, 1, 2)), 0.0, atol=1e-3)
    moved = any(not np.array_equal(old, new) for old, new in zip(before, encoder.get_weights(), strict=True))
    assert (is_normal, moved) == (training, training)


def test_with_batch_normalisation_convolutions_have_no_bias():
    plain, normalized = (kv.networks.ConvEncoder((3, 4), batch_normalization=flag) for flag in (False, True))
    plain.build((None, 8, 8, 1)), normalized.build((None, 8, 8, 1))
    assert len(plain.trainable_variables) == 4
    assert [variable.name for variable in normalized.trainable_variables] == ["kernel", "gamma", "beta"] * 2


def test_the_decoder_normalises_batches_too():
    decoder = kv.networks.ConvDecoder((3,), event_shape=(8, 8, 1), batch_normalization=True, activation="linear")
    features = decoder(images(6, batch=16), training=True).numpy()
    np.testing.assert_allclose(features.mean(axis=(0, 1, 2)), np.zeros(3), atol=1e-3)


def test_layers_of_one_shape_begin_with_weights_of_their_own():
    encoder = kv.networks.ConvEncoder((3, 3, 3), kernel_initializer=keras.initializers.HeNormal())
    encoder.build((None, 8, 8, 3))
    kernels = [weight for weight in encoder.get_weights() if weight.shape == (3, 3, 3, 3)]
    assert len(kernels) == 3
    assert not np.allclose(kernels[0], kernels[1]) and not np.allclose(kernels[1], kernels[2])


def test_the_encoder_refuses_sequences_and_vectors():
    for shape in ((4, 9, 3), (4, 9)):
        with pytest.raises(ValueError, match=r"`ConvEncoder` must get images .* use `MLPEncoder`. Received: shape"):
            kv.networks.ConvEncoder()(np.zeros(shape, "float32"))


def test_the_decoder_refuses_sequences_and_vectors_from_likelihood_and_user():
    message = r"`ConvDecoder` must decode to images .* use `MLPDecoder`. Received: event_shape=\(9, 3\)"
    with pytest.raises(ValueError, match=message):
        kv.networks.ConvDecoder(event_shape=(9, 3))
    with pytest.raises(ValueError, match=message):
        kv.networks.ConvDecoder().resolve_event_shape((9, 3))


def test_an_event_shape_that_is_unknown_is_asked_for():
    message = r"`event_shape` must be known before a `ConvDecoder` is built: put it into a model.*event_shape=None"
    decoder = kv.networks.ConvDecoder()
    with pytest.raises(ValueError, match=message):
        decoder(images(6))
    with pytest.raises(ValueError, match=message):
        decoder.compute_output_shape((None, 6))


def test_an_event_shape_is_resolved_once_kept_in_the_config_and_never_changed():
    decoder = kv.networks.ConvDecoder()
    decoder.resolve_event_shape([28, 28, 1])
    decoder.resolve_event_shape((28, 28, 1))
    assert decoder.get_config()["event_shape"] == (28, 28, 1)
    message = r"must agree with the likelihood's event_shape=\(32, 32, 3\). Received: event_shape=\(28, 28, 1\)"
    with pytest.raises(ValueError, match=message):
        decoder.resolve_event_shape((32, 32, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"filters": ()},
            r"`filters` must be a tuple of positive integers, such as \(32, 64\). Received: filters=\(\)",
        ),
        ({"filters": (8, 0)}, r"`filters` must be a tuple of positive integers"),
        ({"kernel_size": 0}, r"`kernel_size` must be >= 1. Received: kernel_size=0"),
        ({"strides": 1.5}, r"`strides` must be an integer. Received: strides=1.5"),
    ],
)
@pytest.mark.parametrize("conv", [kv.networks.ConvEncoder, kv.networks.ConvDecoder])
def test_arguments_out_of_range_are_refused(conv, arguments, message):
    with pytest.raises(ValueError, match=message):
        conv(**arguments)


def test_the_encoder_spreads_vectors_over_the_image_and_joins_channels():
    encoder, twin = (kv.networks.ConvEncoder((3, 4)) for _ in range(2))
    x, mask, condition = images(6, 5, 2), images(6, 5, 1, seed=1), images(3, seed=2)
    spread = np.broadcast_to(condition[:, None, None, :], (2, 6, 5, 3))
    joined = np.concatenate([x, spread, mask], axis=-1)
    encoder([x, condition, mask]), twin(joined)
    twin.set_weights(encoder.get_weights())
    np.testing.assert_allclose(encoder([x, condition, mask]), twin(joined), rtol=1e-5, atol=1e-6)
    shapes = [(None, 6, 5, 2), (None, 3), (None, 6, 5, 1)]
    assert encoder.compute_output_shape(shapes) == (None, 2, 2, 4)


def test_the_decoder_flattens_and_concatenates_its_inputs():
    decoder, twin = (kv.networks.ConvDecoder((4, 3), event_shape=(7, 5, 2)) for _ in range(2))
    z_1, z_2, condition = images(2, 2, 3), images(6, seed=1), images(4, seed=2)
    joined = np.concatenate([z_1.reshape(2, -1), z_2, condition], axis=-1)
    decoder([z_1, z_2, condition]), twin(joined)
    twin.set_weights(decoder.get_weights())
    np.testing.assert_allclose(decoder([z_1, z_2, condition]), twin(joined), rtol=1e-5, atol=1e-6)
    assert decoder.compute_output_shape([(None, 2, 2, 3), (None, 6), (None, 4)]) == (None, 7, 5, 3)


@pytest.mark.parametrize(
    ("trunk", "shapes"),
    [
        (lambda: kv.networks.ConvEncoder((3,), batch_normalization=True), [(6, 5, 2), (3,), (6, 5, 1)]),
        (lambda: kv.networks.ConvDecoder((3,), event_shape=(7, 5, 1), gated=True), [(6,), (2, 2, 3)]),
    ],
    ids=["encoder", "decoder"],
)
def test_several_inputs_survive_a_file(trunk, shapes, tmp_path):
    inputs = [keras.Input(shape) for shape in shapes]
    model = keras.Model(inputs, trunk()(inputs))
    model.save(tmp_path / "model.keras")
    values = [images(*shape, batch=4) for shape in shapes]
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(values), model(values))


@pytest.mark.parametrize("shapes", [[(3,), (6, 5, 2)], [(6,), (3,)], [(6, 5, 2), (6, 5)]], ids=str)
def test_the_encoder_refuses_what_it_cannot_join(shapes):
    with pytest.raises(ValueError, match=r"beside them images or vectors.*Received: shape \(2, .* and \(2, "):
        kv.networks.ConvEncoder()([images(*shape) for shape in shapes])


@pytest.mark.parametrize("size", [(14, 7), (56, 28), (9, 20), (28, 28)], ids=str)
def test_an_image_beside_x_is_resized_by_averages_over_areas(size):
    given, x = images(*size, 2), images(28, 28, 1)
    encoder = kv.networks.ConvEncoder((1,), kernel_size=1, strides=1, activation=None)
    encoder.build([(None, 28, 28, 1), (None, *size, 2)])
    encoder.set_weights([np.array([0.0, 1.0, 0.0]).reshape(1, 1, 3, 1), np.zeros(1)])  # the first channel of the other
    expected = tf.image.resize(given[..., :1], (28, 28), method="area")
    if size == (9, 20):  # TensorFlow takes whole pixels; by areas the average is kept
        expected = tf.reduce_mean(given[..., :1], axis=(1, 2), keepdims=True) * tf.ones((1, 28, 28, 1))
        np.testing.assert_allclose(
            tf.reduce_mean(encoder([x, given]), axis=(1, 2)), expected[:, 0, 0], rtol=1e-4, atol=1e-5
        )
        return
    np.testing.assert_allclose(encoder([x, given]), expected, rtol=1e-4, atol=1e-5)


def test_the_decoder_sees_an_image_at_each_of_its_sizes_and_at_its_own():
    decoder = kv.networks.ConvDecoder((4, 3), event_shape=(10, 7, 1))
    z, code, given = images(6), images(5), images(20, 14, 2)
    features = decoder([z, code, given])
    assert features.shape == (2, 10, 7, 3 + 2)
    assert decoder.compute_output_shape([(None, 6), (None, 5), (None, 20, 14, 2)]) == (None, 10, 7, 5)
    np.testing.assert_allclose(
        features[..., 3:], given.reshape(2, 10, 2, 7, 2, 2).mean(axis=(2, 4)), rtol=1e-4, atol=1e-5
    )
    kernels = [layer.kernel.shape for layer in decoder.chain if isinstance(layer, keras.layers.Conv2DTranspose)]
    assert kernels == [(3, 3, 4, 4 + 2), (3, 3, 3, 4 + 2)]  # (height, width, out, in)
    assert decoder.chain[1].kernel.shape == (6 + 5, 3 * 2 * 4)  # z and the code, without the image


def test_a_grid_of_codes_is_flattened_where_it_comes_first():
    decoder = kv.networks.ConvDecoder((4,), event_shape=(8, 8, 1))
    assert decoder([images(2, 2, 3), images(5)]).shape == (2, 8, 8, 4)
    assert decoder.chain[1].kernel.shape == (2 * 2 * 3 + 5, 4 * 4 * 4)
