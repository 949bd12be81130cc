"""Training steps that are not finite: they change nothing, and the first one is named."""

import contextlib
import time
import warnings

import keras
import tensorflow as tf

from keras_vae.core import global_sum, is_multi_worker, keras_internals, num_replicas

_RATE = "Try a lower learning rate, `clipnorm` in the optimizer, or a narrower range of the posterior's scale"
_ADVICE = {
    "data": "Look at the data set and its sample weights",
    "kl_loss": _RATE,
    "reconstruction_loss": "Try a lower learning rate, `clipnorm` in the optimizer, or rescaled data",
    "loss": "Its terms were finite: look at beta and at the regularisers",
    "gradient": "The loss was finite: try a lower learning rate, or look for a function with an infinite slope",
    "learning_rate": "Look at the schedule of the learning rate",
    "weights": "The gradient was finite: try a lower learning rate, or look at the optimizer and at constraints",
}
_OTHER_ADVICE = "Look at the part that this term comes from, or try a lower learning rate"
# Beyond such data squares and gradients overflow long before a learning rate is to blame.
_LARGE = 1e3
_SECONDS = 1.0


class DivergenceError(FloatingPointError):
    """A training step gave NaN or infinity. It changed nothing, nor did the steps after it.

    Of an update that spoils the weights though its gradient is finite, the model goes back to the beginning of the
    epoch; the message says to which step.

    Parameters
    ----------
    message : str
        For the user.
    term : str
        What went first, in the order in which a step computes: "data", "kl_loss", the other terms of the objective,
        "loss", "gradient", "learning_rate" or "weights".
    step : int
        Which training step it was, counted from 1 over all epochs.
    """

    def __init__(self, message: str, *, term: str, step: int):
        super().__init__(message)
        self.term = term
        self.step = step


class DivergenceGuard:
    """Keeps NaN and infinity out of a model, from inside its training step, and remembers which term went first.

    It is not a Keras object, and its variable is not saved with the model.
    """

    def __init__(self, log_names):
        # kl_loss before reconstruction_loss: a posterior that is NaN makes both so. Bounds are sums of the others.
        names = sorted(log_names, key=lambda name: (name.endswith("elbo"), name != "kl_loss"))
        self.terms = ("data", *names, "loss", "gradient", "learning_rate", "weights")
        how = {"trainable": False, "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA}
        self._first = tf.Variable(0, dtype=tf.int64, **how)  # 0, or the step times the number of terms, plus the term
        self._largest = tf.Variable(0.0, **how)  # of the data then
        self._kept = None

    def update(self, model, batch, differentiate):
        """Differentiate and update the weights; if anything is not finite, on any replica, change nothing.

        `differentiate()` returns terms, penalty, gradients and variables. It may update moving averages, which are put
        back. Returns terms and penalty.
        """
        optimizer = model.optimizer
        if not model.trainable_variables:
            warnings.warn("The model has no trainable weights, so that training changes nothing.", stacklevel=2)
            return differentiate()[:2]
        remembered = _moving_averages(model)
        terms, penalty, gradients, variables = differentiate()
        gradients = _agree(gradients, optimizer)
        finite = self._check(batch, terms, penalty, gradients, optimizer)

        def update():
            optimizer.apply_gradients(zip(gradients, variables, strict=True))
            return self._note_weights(model, optimizer)

        # XLA copies all state that passes through `tf.cond`, but merges a selection with the update; without XLA the
        # condition is free and the selection costs. Replicas can't be synchronized from within a condition.
        if (model.jit_compile and not model.run_eagerly) or tf.distribute.has_strategy():
            if getattr(optimizer, "gradient_accumulation_steps", None):  # NaN would stay in the sum
                gradients = [
                    part if part is None else tf.where(finite, part, tf.zeros_like(part)) for part in gradients
                ]
            counters = _values([variable for variable in optimizer.variables if len(variable.shape) == 0])
            with keras_internals.masked_updates(optimizer, finite):
                update()
            _put_back(counters, finite)
        else:
            tf.cond(finite, update, lambda: tf.constant(False))
        _put_back(remembered, finite)
        return terms, penalty

    def remember(self, model):
        """Keep a copy of all that a step may change, for the rare update that spoils it though its gradient is finite.

        To go back within the step would take a copy in each.
        """
        variables = [*model.weights, *model.optimizer.variables]
        self._kept = int(model.optimizer.iterations.numpy()), [(variable, variable.numpy()) for variable in variables]

    def reset(self):
        """Forget; training starts over."""
        self._first.assign(0)

    def raise_if_diverged(self):
        """Raise a `DivergenceError` if a step was not finite, and forget it."""
        code = int(self._first.numpy())
        if not code:
            return
        self.reset()
        step, number = divmod(code, len(self.terms))
        last = step - 1
        if self.terms[number] == "weights":
            last, kept = self._kept
            for variable, value in kept:
                variable.assign(value)
        raise self._error(self.terms[number], step, last, float(self._largest.numpy()))

    @contextlib.contextmanager
    def naming(self, model):
        """Name the step in whose data a data set's own check, which runs ahead of the step, found NaN or infinity."""
        try:
            yield
        except tf.errors.InvalidArgumentError as error:
            if "must be finite. Received: NaN or infinity" not in str(error):
                raise
            self.reset()
            done, remedy = int(model.optimizer.iterations.numpy()), model.spec.x.remedy
            remedy = f" {remedy}." if remedy and remedy in str(error) and not model.missing else ""
            raise self._error("data", done + 1, done, remedy=remedy) from error

    @staticmethod
    def _error(term, step, last, largest=0.0, remedy=""):
        advice = _ADVICE.get(term, _OTHER_ADVICE)
        if largest > _LARGE and term not in ("data", "learning_rate"):
            advice = f"The data reach {largest:.3g}: rescale the data, so that they are about 1 in size"
        return DivergenceError(
            f"`{term}` must be finite. Received: NaN or infinity in training step {step}. The weights are those of "
            f"step {last}. {advice}.{remedy}",
            term=term,
            step=step,
        )

    def _note_weights(self, model, optimizer):
        """Return whether the weights are finite after an update, and note it if they are not."""
        spoilt = _is_spoilt(_floating(model.weights))  # which all replicas share
        before = tf.convert_to_tensor(self._first)
        # The counter of steps has moved on.
        code = tf.cast(optimizer.iterations, tf.int64) * len(self.terms) + self.terms.index("weights")
        self._first.assign(tf.where(tf.logical_and(before == 0, spoilt), code, before))
        return tf.logical_not(spoilt)

    def _check(self, batch, terms, penalty, gradients, optimizer):
        """Return whether this step, on all replicas, and those before it were finite."""
        gradient = _is_spoilt(gradients)
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            # That optimizer expects overflows of the scaled gradient, until there is no scale left.
            gradient = tf.logical_and(gradient, optimizer.dynamic_scale <= 1.0)
        spoilt = {
            # Times zero, finite data of any size are zero.
            "data": _is_spoilt([tf.zeros([], values.dtype) * values for values in _floating(batch.fields.values())]),
            **{name: _is_spoilt([terms.logs[name]]) for name in self.terms[1:-4]},
            "loss": _is_spoilt([terms.loss, *(terms.inference_losses or ()), penalty]),
            "gradient": gradient,
            "learning_rate": _is_spoilt([optimizer.learning_rate]),
            "weights": tf.constant(False),  # not yet
        }
        spoilt = global_sum(tf.cast(tf.stack([spoilt[name] for name in self.terms]), tf.int32)) > 0
        now = tf.reduce_any(spoilt)
        before = tf.convert_to_tensor(self._first)
        code = (tf.cast(optimizer.iterations, tf.int64) + 1) * len(self.terms) + tf.argmax(tf.cast(spoilt, tf.int32))
        self._first.assign(tf.where(tf.logical_and(before == 0, now), code, before))
        largest = tf.reduce_max(tf.abs(tf.cast(batch.x, tf.float32)))
        self._largest.assign(tf.where(before == 0, largest, tf.convert_to_tensor(self._largest)))
        return tf.logical_and(before == 0, tf.logical_not(now))


class DivergenceWatch(keras.callbacks.Callback):
    """Asks a guard whether all was finite, before validation and before anything is saved.

    Within an epoch it asks once a second: on an accelerator the answer waits for the steps under way. Steps after a bad
    one change nothing, so that nothing is lost by hearing of it later. Workers, whose clocks differ, ask at the end of
    the epoch alone.
    """

    def __init__(self, guard):
        super().__init__()
        self.guard = guard
        self._next = 0.0

    def on_train_begin(self, logs=None):
        """Forget an earlier run."""
        self.guard.reset()

    def on_epoch_begin(self, epoch, logs=None):
        """Have a state to go back to."""
        self.guard.remember(self.model)

    def on_train_batch_end(self, batch, logs=None):
        """Ask, if it is time."""
        if time.monotonic() >= self._next and not is_multi_worker(self.model.distribute_strategy):
            self.guard.raise_if_diverged()
            self._next = time.monotonic() + _SECONDS

    def on_test_begin(self, logs=None):
        """Ask before validation."""
        self.guard.raise_if_diverged()

    def on_epoch_end(self, epoch, logs=None):
        """Ask before other callbacks save the model."""
        self.guard.raise_if_diverged()


def _agree(gradients, optimizer):
    """Let a gradient that overflows half precision on one replica do so on all: Keras skips by each one's own."""
    if num_replicas() == 1 or not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return gradients
    overflows = global_sum(tf.cast(_is_spoilt(gradients), tf.int32)) > 0
    return [part if part is None else tf.where(overflows, float("inf"), part) for part in gradients]


def _is_spoilt(values):
    """Return whether any tensor holds NaN or infinity: then their sum does, so only one number is tested."""
    values = [getattr(value, "values", value) for value in values if value is not None]  # those of sparse gradients
    sums = [tf.cast(_sum(value), tf.float64) for value in map(tf.convert_to_tensor, values) if value.dtype.is_floating]
    return tf.logical_not(tf.math.is_finite(tf.add_n(sums))) if sums else tf.constant(False)


def _sum(value):
    """Sum a tensor; where a sum of finite values overflows, the next step would find infinity in any case."""
    if value.dtype == tf.float16:  # in which some thousand pixels overflow
        value = tf.cast(value, tf.float32)
    if value.shape.rank is not None and value.shape.rank >= 2 and value.shape[-1] is not None:
        # A product with ones is how XLA reads a matrix fastest.
        rows = tf.reshape(value, [-1, value.shape[-1]]) if value.shape.rank > 2 else value
        count = tf.shape(rows)[0] if rows.shape[0] is None else rows.shape[0]
        value = tf.linalg.matmul(tf.ones([1, count], rows.dtype), rows)
    return tf.reduce_sum(value)


def _floating(values):
    return [value for value in map(tf.convert_to_tensor, values) if value.dtype.is_floating]


def _moving_averages(model):
    """Read what a forward pass may update, before it does."""
    layers = [layer for layer in keras_internals.all_layers(model) if layer.trainable]
    return _values([variable for layer in layers for variable in keras_internals.own_weights(layer)[1]])


def _values(variables):
    # What Keras does not aggregate can't be assigned from a replica.
    free = not tf.distribute.has_strategy()
    kept = [variable for variable in variables if free or variable.aggregation not in (None, "none")]
    return [(variable, tf.convert_to_tensor(variable)) for variable in kept]


def _put_back(remembered, finite):
    for variable, value in remembered:
        variable.assign(tf.where(finite, tf.convert_to_tensor(variable), value))
