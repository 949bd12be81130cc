"""Training steps that are not finite change nothing, and the first one is remembered."""

import keras
import tensorflow as tf

from keras_vae.core import global_sum, num_replicas
from keras_vae.models.divergence_error import DivergenceError
from keras_vae.models.masked_updates import masked_updates

# In the order in which a step computes them, each with what helps.
_TERMS = {
    "data": "Look at the data set and its sample weights",
    "kl_loss": "Try a lower learning rate, `clipnorm` in the optimizer, or a narrower `log_var_range` of the posterior",
    "reconstruction_loss": "Try a lower learning rate, `clipnorm` in the optimizer, or rescaled data",
    "loss": "Its KL and its likelihood were finite: look at beta and at the regularisers",
    "gradient": "The loss was finite: try a lower learning rate, or look for a function with an infinite slope",
}


class DivergenceGuard:
    """Keeps NaN and infinity out of a model, from inside its training step, and tells which term went first.

    It is no Keras object and its variable is not saved with the model.
    """

    def __init__(self):
        self._first = tf.Variable(  # 0, or the step times the number of terms, plus the term
            0, dtype=tf.int64, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA
        )

    def remember(self, model):
        """Read what a forward pass may update, such as moving averages, before it does.

        Parameters
        ----------
        model : keras.Model
            The model.

        Returns
        -------
        list of pair
            Of variables and their values.
        """
        layers = [layer for layer in model._flatten_layers() if layer.trainable]
        return _values([variable for layer in layers for variable in layer._non_trainable_variables])

    def agree(self, gradients, optimizer):
        """Let a gradient that overflows half precision on one replica do so on all.

        Keras skips a step by each replica's own gradient: some would skip what others do.

        Parameters
        ----------
        gradients : list of tf.Tensor or None
            This replica's.
        optimizer : keras.optimizers.Optimizer
            Of which only one that scales the loss is meant.

        Returns
        -------
        list of tf.Tensor or None
            The same, or infinity.
        """
        if num_replicas() == 1 or not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            return gradients
        overflows = global_sum(tf.cast(_is_spoilt(gradients), tf.int32)) > 0
        return [part if part is None else tf.where(overflows, float("inf"), part) for part in gradients]

    def check(self, x, weights, terms, penalty, gradients, optimizer):
        """Find out whether this step, on all replicas, and those before it were finite.

        Parameters
        ----------
        x, weights : tf.Tensor
            The batch.
        terms : Terms
            Of the objective.
        penalty : tf.Tensor
            The regularisers' part of the loss.
        gradients : list of tf.Tensor or None
            One for each variable.
        optimizer : keras.optimizers.Optimizer
            Whose steps are counted.

        Returns
        -------
        tf.Tensor
            Scalar, bool.
        """
        gradient = _is_spoilt(gradients)
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            # An overflow of the scaled gradient is that optimizer's daily business, until there is no scale left.
            gradient = tf.logical_and(gradient, optimizer.dynamic_scale <= 1.0)
        spoilt = [
            _is_spoilt([x, weights]),
            _is_spoilt([terms.kl_loss]),
            _is_spoilt([terms.reconstruction_loss]),
            _is_spoilt([terms.loss, *(terms.inference_losses or ()), penalty]),
            gradient,
        ]
        spoilt = global_sum(tf.cast(tf.stack(spoilt), tf.int32)) > 0
        now = tf.reduce_any(spoilt)
        before = tf.convert_to_tensor(self._first)
        code = (tf.cast(optimizer.iterations, tf.int64) + 1) * len(_TERMS) + tf.argmax(tf.cast(spoilt, tf.int32))
        self._first.assign(tf.where(tf.logical_and(before == 0, now), code, before))
        return tf.logical_and(before == 0, tf.logical_not(now))

    def apply(self, optimizer, gradients, variables, *, finite, remembered, compiled):
        """Update the weights if the step is finite, and otherwise put back what the forward pass updated.

        Parameters
        ----------
        optimizer : keras.optimizers.Optimizer
            What updates them.
        gradients, variables : list
            One for each other.
        finite : tf.Tensor
            What `check` returned.
        remembered : list of pair
            What `remember` returned.
        compiled : bool
            Whether XLA compiles the step. It copies all state that goes through a condition but merges a selection
            with the update; without it the condition is free and the selection costs.
        """

        def update():
            optimizer.apply_gradients(zip(gradients, variables, strict=True))
            return tf.constant(True)

        if compiled or tf.distribute.has_strategy():  # no replicas are synchronized from within a condition
            if getattr(optimizer, "gradient_accumulation_steps", None):
                # NaN would stay in the sum.
                gradients = [
                    part if part is None else tf.where(finite, part, tf.zeros_like(part)) for part in gradients
                ]
            counters = _values([variable for variable in optimizer.variables if len(variable.shape) == 0])
            with masked_updates(optimizer, finite):
                update()
            _put_back(counters, finite)
        else:
            tf.cond(finite, update, lambda: tf.constant(False))
        _put_back(remembered, finite)

    def reset(self):
        """Forget; training starts anew."""
        self._first.assign(0)

    def raise_if_diverged(self):
        """Say so if a step was not finite, and forget it.

        Raises
        ------
        DivergenceError
            Naming the term and the step.
        """
        code = int(self._first.numpy())
        if not code:
            return
        self.reset()
        step, number = divmod(code, len(_TERMS))
        term, advice = list(_TERMS.items())[number]
        raise DivergenceError(
            f"`{term}` must be finite. Received: NaN or infinity in training step {step}. The weights are those of "
            f"step {step - 1}. {advice}.",
            term=term,
            step=step,
        )


def _is_spoilt(values):
    """Tell whether any of some tensors holds NaN or infinity: their sum does, and one number is all that is tested."""
    values = [getattr(value, "values", value) for value in values if value is not None]  # those of sparse gradients
    sums = [tf.cast(_sum(value), tf.float64) for value in values if value.dtype.is_floating]
    return tf.logical_not(tf.math.is_finite(tf.add_n(sums))) if sums else tf.constant(False)


def _sum(value):
    """Sum a tensor; where a sum of finite values overflows, the next step would find infinity in any case."""
    if value.dtype == tf.float16:  # in which some thousand pixels overflow
        value = tf.cast(value, tf.float32)
    if value.shape.rank is not None and value.shape.rank >= 2 and value.shape[-1] is not None:
        # A product with ones is how XLA reads a matrix fastest.
        rows = tf.reshape(value, [-1, value.shape[-1]])
        value = tf.linalg.matmul(tf.ones([1, tf.shape(rows)[0]], rows.dtype), rows)
    return tf.reduce_sum(value)


def _values(variables):
    # What Keras does not aggregate cannot be assigned from a replica.
    free = not tf.distribute.has_strategy()
    kept = [variable for variable in variables if free or variable.aggregation not in (None, "none")]
    return [(variable, tf.convert_to_tensor(variable)) for variable in kept]


def _put_back(remembered, finite):
    for variable, value in remembered:
        variable.assign(tf.where(finite, tf.convert_to_tensor(variable), value))
