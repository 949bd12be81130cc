"""An optimizer's step that is masked changes nothing, and one that is not masked is the optimizer's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from keras_vae.models.divergence_guard import DivergenceGuard

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
    DivergenceGuard().apply(optimizer, gradients, variables, finite=tf.constant(finite), remembered=[], compiled=True)


def values(optimizer, variables):
    return [variable.numpy() for variable in (*variables, *optimizer.variables)]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_masked_step_changes_neither_weights_nor_the_optimizer(name):
    optimizer, gradients, variables = start(name)
    before, attributes = values(optimizer, variables), set(vars(optimizer))
    apply(optimizer, gradients, variables, finite=False)
    for one, other in zip(values(optimizer, variables), before, strict=True):
        np.testing.assert_array_equal(one, other)
    assert set(vars(optimizer)) == attributes


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_that_is_not_masked_is_the_optimizers_own(name):
    optimizer, gradients, variables = start(name)
    plain, gradients_too, variables_too = start(name)
    apply(optimizer, gradients, variables, finite=True)
    plain.apply_gradients(zip(gradients_too, variables_too, strict=True))
    for one, other in zip(values(optimizer, variables), values(plain, variables_too), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def test_not_a_number_does_not_get_into_accumulated_gradients():
    optimizer = keras.optimizers.Adam(0.1, gradient_accumulation_steps=3)
    variables = [keras.Variable([1.0, 2.0])]
    optimizer.build(variables)
    apply(optimizer, [tf.constant([np.nan, 1.0])], variables, finite=False)
    assert all(np.isfinite(value).all() for value in values(optimizer, variables))
    assert int(optimizer._iterations) == 0
