"""Dense trunks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv

MLPS = [kv.networks.MLPEncoder, kv.networks.MLPDecoder]


@pytest.mark.parametrize("mlp", MLPS)
@pytest.mark.parametrize("shape", [(7,), (5, 3), (4, 5, 2)], ids=str)
def test_whatever_it_gets_is_flattened_and_goes_through_each_layer(mlp, shape):
    trunk = mlp((6, 4), activation="tanh")
    x = np.random.default_rng(0).normal(size=(3, *shape)).astype("float32")
    features = trunk(x)
    kernel_1, bias_1, kernel_2, bias_2 = trunk.get_weights()
    expected = np.tanh(np.tanh(x.reshape(3, -1) @ kernel_1 + bias_1) @ kernel_2 + bias_2)
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-6)
    assert trunk.compute_output_shape((None, *shape)) == (None, 4)


@pytest.mark.parametrize("mlp", MLPS)
def test_all_arguments_have_defaults(mlp):
    trunk = mlp()
    assert (trunk.units, trunk.activation) == ((500, 500), keras.activations.relu)


@pytest.mark.parametrize("mlp", MLPS)
def test_layers_of_one_shape_begin_with_weights_of_their_own(mlp):
    trunk = mlp((5, 5, 5), kernel_initializer=keras.initializers.HeNormal())
    trunk.build((None, 5))
    kernels = [weight for weight in trunk.get_weights() if weight.shape == (5, 5)]
    assert len(kernels) == 3
    assert not np.allclose(kernels[0], kernels[1]) and not np.allclose(kernels[1], kernels[2])


@pytest.mark.parametrize("mlp", MLPS)
def test_an_activation_and_an_initializer_may_be_functions_of_the_users_own(mlp):
    trunk = mlp((2,), activation=lambda x: 3.0 * x, kernel_initializer=lambda shape, dtype: tf.ones(shape, dtype))
    np.testing.assert_allclose(trunk(np.ones((1, 4), "float32")), [[12.0, 12.0]])


@pytest.mark.parametrize("mlp", MLPS)
@pytest.mark.parametrize("units", [(), (5, 0), 5, (2.5,), None])
def test_units_that_are_none_are_refused(mlp, units):
    with pytest.raises(
        ValueError, match=r"`units` must be a tuple of positive integers, such as \(500, 500\). Received:"
    ):
        mlp(units)


@pytest.mark.parametrize("mlp", MLPS)
def test_several_inputs_are_flattened_and_concatenated(mlp):
    trunk, twin = mlp((6, 4)), mlp((6, 4))
    rng = np.random.default_rng(0)
    x, z, condition = (rng.normal(size=(3, *shape)).astype("float32") for shape in ((4, 5, 2), (6,), (1,)))
    joined = np.concatenate([x.reshape(3, -1), z, condition], axis=1)
    features, _ = trunk([x, z, condition]), twin(joined)
    assert [weight.shape for weight in trunk.get_weights()] == [(47, 6), (6,), (6, 4), (4,)]
    twin.set_weights(trunk.get_weights())
    np.testing.assert_allclose(features, twin(joined), rtol=1e-5, atol=1e-6)
    assert trunk.compute_output_shape([(None, 4, 5, 2), (None, 6), (None, 1)]) == (None, 4)


@pytest.mark.parametrize("mlp", MLPS)
def test_a_list_of_one_is_that_one(mlp):
    trunk = mlp((6, 4))
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")
    np.testing.assert_array_equal(trunk([x]), trunk(x))


@pytest.mark.parametrize("mlp", MLPS)
def test_several_inputs_survive_a_file_and_mixed_precision(mlp, tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    inputs = [keras.Input((4, 5)), keras.Input((3,), dtype="int32")]
    model = keras.Model(inputs, mlp((6, 4))(inputs))
    model.save(tmp_path / "model.keras")
    values = [np.ones((7, 4, 5), "float32"), np.arange(21).reshape(7, 3)]
    features = keras.models.load_model(tmp_path / "model.keras")(values)
    assert features.dtype == tf.float16
    np.testing.assert_array_equal(features, model(values))


def test_joined_branches_are_numpys_and_fewer_rows_meet_every_block():
    layer = kv.networks.JoinedMLP((3,), (2,), activation="tanh")
    generator = np.random.default_rng(0)
    x, z = generator.normal(size=(4, 5, 1)).astype("float32"), generator.normal(size=(8, 2)).astype("float32")
    found = layer([x, z]).numpy()
    branches = []
    for branch, values in zip(layer.branches, (x.reshape(4, 5), z), strict=True):
        kernel, bias = branch.get_weights()
        branches.append(np.tanh(values @ kernel + bias))
    kernel, bias = layer.joined.get_weights()
    joined = np.concatenate([np.tile(branches[0], (2, 1)), branches[1]], axis=1)
    np.testing.assert_allclose(found, np.tanh(joined @ kernel + bias), rtol=1e-5, atol=1e-6)
