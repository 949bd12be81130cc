"""Each schedule against its formula in NumPy, eagerly and in a compiled function that reads a variable."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv

STEPS = np.array([0, 1, 7, 10, 15, 20, 25, 39, 40, 41, 59, 60, 61, 1000])


def cyclical(steps, start, end, cycle_steps, ramp_fraction, num_cycles=None):
    within = steps % cycle_steps / cycle_steps
    values = np.where(within < ramp_fraction, start + (end - start) * within / ramp_fraction, end)
    return values if num_cycles is None else np.where(steps < num_cycles * cycle_steps, values, end)


CASES = {
    "constant": (kv.schedules.ConstantSchedule(0.3), lambda steps: np.full(len(steps), 0.3)),
    "linear_up": (kv.schedules.LinearSchedule(0.0, 4.0, steps=40), lambda steps: np.interp(steps, [0, 40], [0, 4])),
    "linear_down": (kv.schedules.LinearSchedule(2.0, 0.5, steps=10), lambda steps: np.interp(steps, [0, 10], [2, 0.5])),
    "cyclical": (
        kv.schedules.CyclicalSchedule(0.0, 1.0, cycle_steps=20),
        lambda steps: cyclical(steps, 0.0, 1.0, 20, 0.5),
    ),
    "cyclical_that_ends": (
        kv.schedules.CyclicalSchedule(0.1, 2.0, cycle_steps=20, ramp_fraction=0.8, num_cycles=3),
        lambda steps: cyclical(steps, 0.1, 2.0, 20, 0.8, 3),
    ),
    "cyclical_without_a_plateau": (
        kv.schedules.CyclicalSchedule(0.0, 1.0, cycle_steps=20, ramp_fraction=1.0),
        lambda steps: steps % 20 / 20,
    ),
    "sigmoid": (
        kv.schedules.SigmoidSchedule(0.5, 3.0, midpoint=20, width=4.0),
        lambda steps: 0.5 + 2.5 / (1 + np.exp(-(steps - 20.0) / 4.0)),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_values_equal_the_formula(case):
    schedule, formula = CASES[case]
    values = [schedule(int(step)) for step in STEPS]
    assert {(value.dtype, value.shape.rank) for value in values} == {(tf.float32, 0)}
    np.testing.assert_allclose(values, formula(STEPS), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_a_compiled_function_reads_the_step_and_bakes_in_none(case, jit_compile):
    schedule, formula = CASES[case]
    step = tf.Variable(0, dtype=tf.int64)
    compiled = tf.function(lambda: schedule(step), jit_compile=jit_compile)
    values = []
    for number in STEPS[:8]:
        step.assign(number)
        values.append(compiled().numpy())
    np.testing.assert_allclose(values, formula(STEPS[:8]), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_a_config_through_json_gives_the_same_values(case):
    schedule, formula = CASES[case]
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(schedule)))
    rebuilt = keras.saving.deserialize_keras_object(config)
    assert type(rebuilt) is type(schedule)
    np.testing.assert_allclose([rebuilt(step) for step in STEPS], formula(STEPS), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: kv.schedules.ConstantSchedule("1"), r"`constant` must be a finite number. Received: constant='1'"),
        (lambda: kv.schedules.LinearSchedule(0.0, float("nan"), steps=3), r"`end` must be a finite number"),
        (lambda: kv.schedules.LinearSchedule(0.0, 1.0, steps=0), r"`steps` must be >= 1. Received: steps=0"),
        (lambda: kv.schedules.LinearSchedule(0.0, 1.0, steps=1e4), r"`steps` must be an integer"),
        (lambda: kv.schedules.CyclicalSchedule(0, 1, cycle_steps=0), r"`cycle_steps` must be >= 1"),
        (lambda: kv.schedules.CyclicalSchedule(0, 1, cycle_steps=9, ramp_fraction=0), r"`ramp_fraction` must be > 0"),
        (
            lambda: kv.schedules.CyclicalSchedule(0, 1, cycle_steps=9, ramp_fraction=1.5),
            r"`ramp_fraction` must be <= 1. Received: ramp_fraction=1.5",
        ),
        (lambda: kv.schedules.CyclicalSchedule(0, 1, cycle_steps=9, num_cycles=0), r"`num_cycles` must be >= 1"),
        (lambda: kv.schedules.SigmoidSchedule(0, 1, midpoint=5, width=0.0), r"`width` must be > 0. Received: width"),
    ],
)
def test_arguments_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
