"""An optimizer's step that is masked changes nothing, and one that is not masked is the optimizer's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from keras_vae.core import keras_internals
from tests.stacks import since_keras

OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.1, amsgrad=True, clipnorm=1.0),
    "adamw": lambda: keras.optimizers.AdamW(0.1, weight_decay=0.1),
    "adamax": lambda: keras.optimizers.Adamax(0.1),
    "adadelta": lambda: keras.optimizers.Adadelta(0.1),
    "adafactor": lambda: keras.optimizers.Adafactor(0.1),
    "adagrad": lambda: keras.optimizers.Adagrad(0.1),
    "ftrl": lambda: keras.optimizers.Ftrl(0.1),
    "lamb": lambda: keras.optimizers.Lamb(0.1),
    "lion": lambda: keras.optimizers.Lion(0.1),
    "loss_scale": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.1, weight_decay=0.1)),
    "muon": lambda: keras.optimizers.Muon(0.1, weight_decay=0.1, adam_weight_decay=0.1),
    "nadam": lambda: keras.optimizers.Nadam(0.1),
    "norm_scaled_adam": lambda: kv.optimizers.NormScaledAdam(0.1),
    "norm_scaled_muon": lambda: kv.optimizers.NormScaledMuon(0.1),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.1, centered=True, momentum=0.9),
    "schedule": lambda: keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 10), momentum=0.9),
    "sgd": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
}


def start(name):
    """Return an optimizer, and variables for it with gradients, after a first step."""
    optimizer = OPTIMIZERS[name]()
    dtype = "float32" if "muon" in name else "float64"  # Keras's Muon refuses float64
    matrix = np.linspace(-1.0, 1.0, 12, dtype=dtype).reshape(4, 3)
    variables = [keras.Variable(matrix), keras.Variable([0.5, -0.5])]
    gradients = [tf.cos(tf.convert_to_tensor(variable)) for variable in variables]
    optimizer.build(variables)
    optimizer.apply_gradients(zip(gradients, variables, strict=True))
    return optimizer, gradients, variables


def apply(optimizer, gradients, variables, finite):
    """Take a masked step, as a guard does in a compiled one: scalars are put back by whoever asks for the mask."""
    scalars = [variable for variable in optimizer.variables if len(variable.shape) == 0]
    counters = [(variable, tf.convert_to_tensor(variable)) for variable in scalars]
    with keras_internals.masked_updates(optimizer, tf.constant(finite)):
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
    for variable, value in counters:
        variable.assign(tf.where(finite, tf.convert_to_tensor(variable), value))


def values(optimizer, variables):
    return [variable.numpy() for variable in (*variables, *optimizer.variables)]


optimizers = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=since_keras("3.13") if "muon" in name else ()) for name in OPTIMIZERS]
)


@optimizers
def test_a_masked_step_changes_neither_weights_nor_the_optimizer(name):
    optimizer, gradients, variables = start(name)
    before, attributes = values(optimizer, variables), set(vars(optimizer))
    apply(optimizer, gradients, variables, finite=False)
    for one, other in zip(values(optimizer, variables), before, strict=True):
        np.testing.assert_array_equal(one, other)
    assert set(vars(optimizer)) == attributes


@optimizers
def test_a_step_that_is_not_masked_is_the_optimizers_own(name):
    optimizer, gradients, variables = start(name)
    plain, gradients_too, variables_too = start(name)
    apply(optimizer, gradients, variables, finite=True)
    plain.apply_gradients(zip(gradients_too, variables_too, strict=True))
    for one, other in zip(values(optimizer, variables), values(plain, variables_too), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)
