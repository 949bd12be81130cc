"""Every private name of Keras that the package uses: what it stands for, and what fails without it."""

import contextlib
import inspect

import keras
import tensorflow as tf


def all_layers(model) -> list:
    """Return a model's layers at all depths, itself among them.

    `Layer._flatten_layers`. `Model.layers` has only the outermost ones, so that the choice of XLA, the guard of moving
    averages and the check of precision would miss what is inside trunks.
    """
    return list(model._flatten_layers())


def own_weights(layer) -> tuple[list, list]:
    """Return the trainable and the other variables of a layer itself, without those of its sublayers.

    `Layer._trainable_variables` and `Layer._non_trainable_variables`. The public properties hold those of sublayers
    too, without their owners.
    """
    return layer._trainable_variables, layer._non_trainable_variables


def xla_by_default(model) -> bool:
    """Return whether Keras would compile a model by XLA: a GPU or TPU, one replica, layers that XLA takes.

    `Trainer._resolve_auto_jit_compile`. Without it the choice would be made again here, and differ from Keras's.
    """
    return model._resolve_auto_jit_compile()


def no_symbolic_build(self, iterator=None, data_batch=None):
    """Stand in for `Trainer._maybe_symbolic_build`, as `compile` has built the model.

    Keras's own adds up the parts of a batch on several replicas, and fails where they have different lengths.
    """


def is_validation_within_fit(kwargs) -> bool:
    """Return whether `fit` calls `evaluate`, on data that it has prepared before.

    The argument `_use_cached_eval_dataset`. Without it the validation data would be checked and shuffled into a new
    pipeline in each epoch.
    """
    return bool(kwargs.get("_use_cached_eval_dataset"))


def shape_to_be(initial_value) -> tuple | None:
    """Return the shape of a variable that Keras is about to make; None if that is not known.

    `Variable._initialize_with_initializer` hands TensorFlow a function of no arguments over the variable itself. To
    call it for its shape would allocate the memory before it could be refused.
    """
    if not callable(initial_value):
        return tuple(initial_value.shape) if hasattr(initial_value, "shape") else None
    variable = inspect.getclosurevars(initial_value).nonlocals.get("self")
    return getattr(variable, "_shape", None)


@contextlib.contextmanager
def masked_updates(optimizer, keep):
    """Let what an optimizer assigns while the block runs be the old value unless a condition holds.

    Keras's optimizers write their variables by `assign`, `assign_add` and `assign_sub` of their own, for which others
    stand in here: XLA merges the selection with the update, while it copies all state that passes through `tf.cond`.
    Weight decay goes another way, and it and the learning rate are set to zero. What is left are scalars, which the
    caller puts back.
    """
    while isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    attributes = vars(optimizer)
    if "assign" in attributes:  # another replica is in this block, whose condition is the same
        yield
        return

    def or_nothing(value):
        return tf.where(keep, value, tf.zeros([], value.dtype))

    def assign(variable, value):
        variable = _tensorflow_variable(variable)
        variable.assign(tf.where(keep, tf.cast(value, variable.dtype), variable))

    def assign_add(variable, value):
        variable = _tensorflow_variable(variable)
        variable.assign_add(or_nothing(tf.cast(value, variable.dtype)))

    def assign_sub(variable, value):
        variable = _tensorflow_variable(variable)
        variable.assign_sub(or_nothing(tf.cast(value, variable.dtype)))

    stand_ins = {"assign": assign, "assign_add": assign_add, "assign_sub": assign_sub}
    decays = {name: attributes.get(name) for name in ("weight_decay", "adam_weight_decay")}  # Muon has both
    decays = {name: decay for name, decay in decays.items() if decay is not None}
    # Not by `setattr`, with which Keras would track them.
    attributes.update(stand_ins)
    attributes.update({name: or_nothing(tf.constant(decay, tf.float32)) for name, decay in decays.items()})
    rate = attributes["_learning_rate"]  # NaN times no decay would be NaN
    attributes["_learning_rate"] = or_nothing(tf.convert_to_tensor(optimizer.learning_rate))
    try:
        yield
    finally:
        for name in stand_ins:
            del attributes[name]
        attributes.update(decays, _learning_rate=rate)


def _tensorflow_variable(variable):
    return variable.value if isinstance(variable, keras.Variable) else variable
