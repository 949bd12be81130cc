"""How training steps are run, by XLA or not and how many at a time: chosen from device, model and data."""

import math
from typing import NamedTuple

import keras
import tensorflow as tf

from keras_vae.core import keras_internals
from keras_vae.models.fit_callbacks import listed

# Below so many operations an epoch XLA's compilation, some seconds, would not be earned back in tens of epochs.
_WORTH_COMPILING = 1e11
# What one execution may hold, so that progress, interruption and errors come within about a second.
_OPERATIONS = {"CPU": 1e11, "GPU": 1e13}
_MOST_STEPS = 32
_PARTS_OF_AN_EPOCH = 10
_USUAL_BATCH = 128
_BATCH_METHODS = [f"on_{what}batch_{when}" for what in ("", "train_", "test_", "predict_") for when in ("begin", "end")]
# Layers that own weights and that XLA makes faster on a CPU; those of this package are so too.
_FASTER = (keras.layers.Dense, keras.layers.BatchNormalization, keras.layers.LayerNormalization, keras.Model)


class Execution(NamedTuple):
    """How training steps are run.

    Attributes
    ----------
    jit_compile : bool
        Whether XLA compiles the step.
    steps_per_execution : int
        How many steps TensorFlow runs before it returns to Python.
    reason : str
        Why, for the log.
    """

    jit_compile: bool
    steps_per_execution: int
    reason: str

    def __str__(self):
        steps = "1 step" if self.steps_per_execution == 1 else f"{self.steps_per_execution} steps"
        return f"{'with' if self.jit_compile else 'without'} XLA, {steps} an execution: {self.reason}"


class Run(NamedTuple):
    """What a choice depends on beside the model.

    Attributes
    ----------
    batches : int or None
        Steps in an epoch, if that is known.
    batch_size : int
        Examples in a batch, about.
    limit : int
        What steps an execution must divide, so that it does not go beyond where an epoch is cut off; 0 for none.
    watching : list of str
        The user's callbacks that act on single batches.
    """

    batches: int | None
    batch_size: int
    limit: int
    watching: list


def run_of(data, *, batch_size, limits, callbacks):
    """Describe a run of `fit`."""
    batches = limits[0]
    if isinstance(data, tf.data.Dataset):
        found = data.cardinality().numpy()
        batches = batches or (int(found) if found > 0 else None)
        size = tf.nest.flatten(data.element_spec)[0].shape
        batch_size = getattr(data, "batch_size", None) or (size.rank and size[0]) or _USUAL_BATCH
    elif isinstance(data, keras.utils.PyDataset):
        batches = batches or data.num_batches
    return Run(batches, batch_size, math.gcd(*(limit or 0 for limit in limits)), follow_batches(callbacks))


def choose_execution(model, run, *, jit_compile="auto", steps_per_execution="auto"):
    """Choose what the user left open; the choice is the same for two equal runs."""
    reasons = []
    accelerated = keras_internals.xla_by_default(model)  # a GPU or TPU, one replica, layers that XLA takes
    if model.run_eagerly:
        compiled, steps = False, 1
        reasons.append("it runs eagerly")
    elif model.distribute_strategy.num_replicas_in_sync > 1:
        compiled, steps = False, 1
        reasons.append("Keras can do nothing else with several replicas")
    else:
        operations = _operations(model)
        compiled, reason = (jit_compile, "XLA as asked for")
        if jit_compile == "auto":
            compiled, reason = _compiled(model, run, accelerated)
        reasons.append(reason)
        steps, reason = steps_per_execution, "steps as asked for"
        if steps_per_execution == "auto":
            steps, reason = _steps(operations * run.batch_size, run, accelerated)
        reasons.append(reason)
    return Execution(bool(compiled), steps, "; ".join(dict.fromkeys(reasons)))


def follow_batches(callbacks):
    """Return the names of callbacks that act on single batches."""
    return [type(callback).__name__ for callback in listed(callbacks) if _follows_batches(callback)]


def _follows_batches(callback):
    if getattr(callback, "takes_executions", False):
        return False
    if isinstance(callback, (keras.callbacks.ModelCheckpoint, keras.callbacks.BackupAndRestore)):
        return callback.save_freq != "epoch"
    if isinstance(callback, (keras.callbacks.TerminateOnNaN, keras.callbacks.ProgbarLogger)):
        return False
    if isinstance(callback, keras.callbacks.TensorBoard):
        return callback.update_freq != "epoch"
    methods = [(getattr(callback, name), getattr(keras.callbacks.Callback, name)) for name in _BATCH_METHODS]
    return any(getattr(method, "__func__", method) is not original for method, original in methods)


def _compiled(model, run, accelerated):
    """Return whether XLA pays off, and why."""
    if accelerated:
        return True, "XLA merges an accelerator's small kernels"
    layers = keras_internals.all_layers(model)
    foreign = [layer for layer in layers if type(layer).__module__.split(".")[0] not in ("keras", "keras_vae")]
    if foreign:
        return False, f"whether XLA suits {type(foreign[0]).__name__} is not known"
    for layer in layers:
        trainable, others = keras_internals.own_weights(layer)
        if any(len(weight.shape) > 2 for weight in trainable):
            return False, "convolutions are faster without XLA on a CPU"
        if trainable + others and not isinstance(layer, _FASTER) and type(layer).__module__.startswith("keras."):
            return False, f"{type(layer).__name__} is not known to be faster with XLA on a CPU"
        if any(word in type(layer).__module__ for word in ("dropout", "noise")):
            return False, "XLA draws the noise of many units slowly on a CPU"
    if model.compute_dtype != "float32":
        return False, f"{model.compute_dtype} is not known to be faster with XLA on a CPU"
    if run.batches is None or _operations(model) * run.batches * run.batch_size < _WORTH_COMPILING:
        return False, "the epochs are too short to earn XLA's compilation back"
    return True, "dense layers are faster with XLA"


def _steps(operations, run, accelerated):
    """Return how many steps an execution holds, and why."""
    if run.watching:
        return 1, f"{run.watching[0]} follows single batches"
    if run.batches is None:
        return 1, "the number of batches is not known"
    affordable = _OPERATIONS["GPU" if accelerated else "CPU"] / operations
    most = int(min(_MOST_STEPS, affordable, run.batches / _PARTS_OF_AN_EPOCH))
    steps = 1
    while 2 * steps <= most and run.limit % (2 * steps) == 0:
        steps *= 2
    if steps > 1:
        return steps, "Python's share of small steps is saved"
    return 1, "a step is long" if affordable < 2 else "an epoch is short"


def _operations(model):
    """Estimate the floating-point operations of a training step for each example, within an order of magnitude.

    Each weight of a matrix is used once, and each of a convolution at every position; strides leave about a fourth. The
    backward pass takes twice as many operations as the forward pass.
    """
    positions = max(1, math.prod(model.likelihood.event_shape[:-1]) // 4)
    uses = [
        math.prod(weight.shape) * (positions if len(weight.shape) > 2 else 1) for weight in model.trainable_variables
    ]
    return 6.0 * max(1, sum(uses)) * model.objective.num_samples
