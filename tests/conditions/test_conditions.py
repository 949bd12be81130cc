"""What conditions are made of, and what they refuse, in their own words."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.models.conftest import binary, small_vae

X, Y = binary(20), np.arange(20) % 3
NAMES = ("Trouser", "Dress", "Ankle boot")


def labelled(**parts):
    vae = small_vae(condition=kv.conditions.Labels(3, **parts))
    vae.compile("adam")
    return vae


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: kv.conditions.Vector(0), "`size` must be >= 1. Received: size=0"),
        (lambda: kv.conditions.Image((28, 28)), r"`shape` must be \(height, width, channels\); for numbers take"),
        (lambda: kv.conditions.Labels(1), "`num_classes` must be >= 2"),
        (lambda: kv.conditions.Labels(3, names=NAMES[:2]), "`names` must be 3 names, all different"),
        (lambda: kv.conditions.Labels(2, names=("a", "b", "A")), "`names` must be 2 names, all different"),
        (
            lambda: kv.conditions.Embedded(keras.layers.Embedding(3, 2), (), value_dtype="string"),
            "`value_dtype` must be a type of numbers, such as .* Received: value_dtype='string'",
        ),
    ],
)
def test_arguments_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_only_a_layer_is_embedded():
    with pytest.raises(TypeError, match="`layer` must be a Keras layer or model. Received: layer='words'"):
        kv.conditions.Embedded("words", ())


@pytest.mark.parametrize("door", [lambda y: (X, y), lambda y: {"x": X, "condition": y}], ids=["y", "dictionary"])
def test_labels_of_another_form_are_refused_with_what_helps(door):
    vae = labelled()
    for labels, hint in (
        (np.eye(3)[Y], r"Take `y.argmax\(-1\)` of one-hot labels. Received: shape \(20, 3\)"),
        (Y[:, None], r"Take `y\[:, 0\]` of a column. Received: shape \(20, 1\)"),
        (np.array(NAMES)[Y], "Number names by `names, y = np.unique"),
        (np.array(NAMES, object)[Y], "Number names by `names, y = np.unique"),
    ):
        with pytest.raises(ValueError, match=hint):
            vae.fit(door(labels), verbose=0)


def test_names_in_a_data_set_are_refused_with_what_helps():
    data = tf.data.Dataset.from_tensor_slices({"x": X, "condition": np.array(NAMES)[Y]}).batch(5)
    with pytest.raises(ValueError, match="`condition` must be numeric for the condition Labels. Number names by"):
        labelled().fit(data, verbose=0)


def test_classes_are_generated_by_their_names():
    vae = labelled(names=NAMES)
    np.testing.assert_array_equal(vae.generate(4, condition="dress", seed=1), vae.generate(4, condition=1, seed=1))
    np.testing.assert_array_equal(vae.generate(condition=NAMES, seed=1), vae.generate(condition=range(3), seed=1))
    with pytest.raises(ValueError, match="must be among .* Did you mean 'Trouser'. Received: 'trousers'"):
        vae.generate(1, condition="trousers")
    with pytest.raises(ValueError, match="`condition` must be numeric"):
        labelled().generate(1, condition="dress")


def test_a_number_that_an_embedding_has_no_code_for_is_refused():
    condition = kv.conditions.Embedded(keras.layers.Embedding(3, 2), (), value_dtype="int32")
    vae = small_vae(condition=condition)
    with pytest.raises(ValueError, match=r"`condition` must be in \[0, 2\] for the condition Embedded"):
        vae.encode((X, Y + 1))
    with pytest.raises(ValueError, match="`condition` must hold whole numbers for the condition Embedded"):
        vae.encode((X, Y / 2))


def test_what_is_embedded_is_trained():
    layer = keras.layers.Embedding(3, 2)
    vae = small_vae(condition=kv.conditions.Embedded(layer, (), value_dtype="int32"))
    vae.compile("adam")
    before = layer.get_weights()[0]
    vae.fit(X, Y, verbose=0)
    assert np.all(layer.get_weights()[0] != before)
