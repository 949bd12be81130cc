"""Each private name of Keras that the package uses: that it is there, and what would fail without it."""

import inspect
import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from keras_vae.core import keras_internals
from tests.models.conftest import binary, small_vae

PACKAGE = pathlib.Path(kv.__file__).parent


def nested():
    inner = keras.Sequential([keras.layers.Dense(3), keras.layers.BatchNormalization()])
    model = keras.Sequential([keras.Input((4,)), inner, keras.layers.Dense(2)])
    return model, inner


def test_all_layers_finds_those_inside_of_trunks():
    model, inner = nested()
    found = keras_internals.all_layers(model)
    assert model in found and all(layer in found for layer in inner.layers)
    assert not any(layer in model.layers for layer in inner.layers)


def test_own_weights_are_those_of_the_layer_itself():
    _, inner = nested()
    assert keras_internals.own_weights(inner) == ([], [])
    trainable, others = keras_internals.own_weights(inner.layers[1])
    assert len(trainable) == 2 and len(others) == 2


def test_xla_by_default_is_keras_choice():
    vae = small_vae()
    vae.compile("adam")
    assert keras_internals.xla_by_default(vae) == bool(tf.config.list_physical_devices("GPU"))


def test_keras_builds_symbolically_where_the_stand_in_does_nothing():
    ours = inspect.signature(keras_internals.no_symbolic_build)
    assert ours == inspect.signature(keras.Model._maybe_symbolic_build)
    assert kv.VAE._maybe_symbolic_build is keras_internals.no_symbolic_build


def test_fit_says_that_it_calls_evaluate():
    seen = []

    class Watched(kv.VAE):
        def evaluate(self, *args, **kwargs):
            seen.append(keras_internals.is_validation_within_fit(kwargs))
            return super().evaluate(*args, **kwargs)

    parts = small_vae()
    names = ("encoder", "posterior", "decoder", "likelihood")
    vae = Watched(**{name: getattr(parts, name) for name in names}, seed=0)
    vae.compile("adam")
    x = binary(8)
    vae.fit(x, validation_data=x, epochs=2, verbose=0)
    vae.evaluate(x, verbose=0)
    assert seen == [True, True, False]


@pytest.mark.parametrize("keep", [True, False])
def test_masked_updates_select_inside_of_an_optimizers_own_assignments(keep):
    variable = keras.Variable(np.ones(3, "float32"))
    optimizer = keras.optimizers.SGD(0.5)
    optimizer.build([variable])
    with keras_internals.masked_updates(optimizer, tf.constant(keep)):
        optimizer.apply_gradients([(tf.ones(3), variable)])
    np.testing.assert_array_equal(variable, np.full(3, 0.5 if keep else 1.0))


def test_no_other_file_uses_a_private_name_of_keras():
    private = {name for owner in (keras.Model, keras.layers.Layer, keras.optimizers.Optimizer) for name in dir(owner)}
    private = {name for name in private if re.fullmatch(r"_[a-z]\w*", name)} | {"_use_cached_eval_dataset"}
    own = {name for owner in (kv.VAE, kv.HierarchicalVAE, kv.core.Batch) for name in dir(owner)} - private
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name == "keras_internals.py":
            continue
        for name in re.findall(r"(?<!self)(?<!cls)\.(_[a-z]\w*)", path.read_text()):
            if name in private and name not in own:
                found.append(f"{path.relative_to(PACKAGE)}: {name}")
        found += [f"{path.name}: keras.src"] * ("keras.src" in path.read_text())
    assert found == []
