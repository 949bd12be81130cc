"""Updates of an optimizer that may come to nothing, in a form that XLA merges with the update itself."""

import contextlib

import keras
import tensorflow as tf


@contextlib.contextmanager
def masked_updates(optimizer, keep):
    """Let what an optimizer assigns while the block runs be the old value unless a condition holds.

    Keras's optimizers write their variables by `assign`, `assign_add` and `assign_sub` of their own, for which others
    stand in here. Weight decay does not go that way and is set to nothing. What is left are scalars, which the caller
    puts back.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        The optimizer, built.
    keep : tf.Tensor
        Scalar, bool.

    Yields
    ------
    None
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
    try:
        yield
    finally:
        for name in stand_ins:
            del attributes[name]
        attributes.update(decays)


def _tensorflow_variable(variable):
    return variable.value if isinstance(variable, keras.Variable) else variable
