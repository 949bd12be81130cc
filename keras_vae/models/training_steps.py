"""The training and evaluation steps that every latent-variable model shares."""

import abc

import keras
import tensorflow as tf

from keras_vae.core import (
    check_instance,
    fold_in,
    global_sum,
    is_multi_worker,
    num_replicas,
    replica_id,
    resolve_seed,
)
from keras_vae.models.chosen_execution import ChosenExecution
from keras_vae.models.divergence_guard import DivergenceGuard
from keras_vae.models.inputs import with_weights
from keras_vae.objectives import Objective

# Streams of noise that share a model's seed and must not share numbers.
TRAINING, EVALUATION, CALIBRATION, GENERATION = range(4)


class TrainingSteps(ChosenExecution, abc.ABC):
    """The steps of `fit` and `evaluate`: `infer` makes the record, the objective reads it, this class does the rest.

    Parameters
    ----------
    objective : Objective
        What is minimised.
    seed : int, optional
        Seed of all noise.
    **kwargs
        Passed to `keras.Model`.
    """

    def __init__(self, *, objective, seed=None, **kwargs):
        # The model casts nothing itself: observations and statistics stay in float32 under mixed precision.
        super().__init__(autocast=False, **kwargs)
        self._objective = check_instance("objective", objective, Objective, "a `keras_vae.objectives.Objective`")
        self.seed = resolve_seed(seed)
        self._trackers = {name: keras.metrics.Mean(name=name) for name in objective.term_names}
        self._guard = None

    @abc.abstractmethod
    def infer(self, x, *, condition=None, num_samples=1, training=False, seed=None, sample_weight=None):
        """Make the record of one pass from x to p(x|z).

        Parameters
        ----------
        x : tf.Tensor or array_like
            Shape (batch, *event_shape).
        condition : tf.Tensor, optional
            What the model is conditioned on.
        num_samples : int
            Posterior samples for each example.
        training : bool
            Whether layers behave as in training.
        seed : int or tf.Tensor of shape (2,) or (batch, 2), optional
            Stateless seed of the noise, or one for each row. By default each call draws other noise.
        sample_weight : tf.Tensor, optional
            Shape (batch,): weights for averages over the batch.

        Returns
        -------
        Inference
        """

    @property
    def objective(self):
        """What is minimised; the constructor's, for good: metrics, noise and graphs follow from it."""
        return self._objective

    @objective.setter
    def objective(self, value):
        raise AttributeError(
            "`objective` must be given to the constructor. To train on with another one, make a model of the same "
            f"parts, which shares their weights: {type(self).__name__}(encoder=vae.encoder, ..., objective=...). "
            f"Received: objective={type(value).__name__}(...)"
        )

    @property
    def metrics(self):
        """The trackers of the objective's terms, in the order in which they are logged."""
        return list(self._trackers.values())

    def compile(self, optimizer="adam", *, jit_compile="auto", steps_per_execution="auto", **kwargs):
        """Configure training; the objective was given to the constructor.

        How steps are run is chosen when `fit` has seen the data, and logged with the reason by the logger `keras_vae`:
        XLA on a GPU, and on a CPU for dense layers and long epochs; several steps at a time where they are short.
        Evaluation and prediction are then not compiled by XLA, whose noise is another one.

        Parameters
        ----------
        optimizer : str or keras.optimizers.Optimizer
            The optimizer.
        jit_compile : bool or "auto"
            Whether XLA compiles steps; "auto" leaves the choice to `fit`.
        steps_per_execution : int or "auto"
            How many steps TensorFlow runs before callbacks are called; "auto" leaves the choice to `fit`, which takes 1
            where a callback follows single batches.
        **kwargs
            `run_eagerly` and `auto_scale_loss`, as Keras has them.

        Raises
        ------
        ValueError
            If a loss or metrics are given, or an option that several replicas cannot take.
        NotImplementedError
            If the objective asks for a closed form that does not exist.
        """
        for name in ("loss", "loss_weights", "metrics", "weighted_metrics"):
            if kwargs.get(name) is not None:
                raise ValueError(
                    f"`{name}` must be left out of `compile`: the model minimises its `objective` and logs that "
                    f"objective's terms ({', '.join(self._trackers)}). Received: {name}={kwargs[name]!r}"
                )
        self._wanted = {"jit_compile": jit_compile, "steps_per_execution": steps_per_execution}
        if self.distribute_strategy.num_replicas_in_sync > 1:
            _check_options_for_replicas(kwargs | self._wanted)
        with self.distribute_strategy.scope():
            self._ensure_built()
            self._rehearse()
            self._guard = self._guard or DivergenceGuard()
            super().compile(
                optimizer=optimizer,
                jit_compile=jit_compile,
                steps_per_execution=1 if steps_per_execution == "auto" else steps_per_execution,
                **kwargs,
            )
            self.optimizer.build(self.trainable_variables)

    def compile_from_config(self, config):
        """Compile as the saved model was; Keras leaves that to classes with a `compile` of their own."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def train_step(self, data):
        """Update the weights once: infer, objective, gradients, trackers.

        A step with NaN or infinity in a term or in the gradient changes no weight, and neither do those after it.

        Parameters
        ----------
        data : tensor or tuple
            One batch: x, (x,), (x, y) or (x, y, sample_weight), where x may be a dictionary: with "probabilities",
            those by which a binary x was drawn, log p(x|z) is averaged over draws of its elements.

        Returns
        -------
        dict of tf.Tensor
            The epoch's averages so far.
        """
        batch = with_weights(data)
        weights, step = batch.sample_weight, self.optimizer.iterations
        remembered = self._guard.remember(self)
        with tf.GradientTape(persistent=self.objective.has_inference_losses) as tape:
            terms = self._terms(batch, step=step, training=True)
            penalty = self._penalty()
            # Each replica minimises its share of the global mean; the optimizer sums gradients over replicas.
            share = tf.cast(weights, terms.loss.dtype)
            # A batch whose weights are all zero teaches nothing; 0 / 0 would spoil every weight.
            share = tf.math.divide_no_nan(share, global_sum(tf.reduce_sum(share)))
            losses = [
                self.optimizer.scale_loss(tf.reduce_sum(share * loss) + penalty / num_replicas())
                for loss in (terms.loss, *(terms.inference_losses or ()))
            ]
        variables = self.trainable_variables
        gradients = self._guard.agree(self._gradients(tape, losses, variables), self.optimizer)
        self._guard.apply(
            self.optimizer,
            gradients,
            variables,
            finite=self._guard.check(batch.x, weights, terms, penalty, gradients, self.optimizer),
            remembered=remembered,
            compiled=self.jit_compile and not self.run_eagerly,
        )
        return self._track(terms, weights, penalty)

    def test_step(self, data):
        """Evaluate one batch: the training step without its gradients.

        Parameters
        ----------
        data : tensor or tuple
            One batch, as in `train_step`; probabilities have no part in an evaluation.

        Returns
        -------
        dict of tf.Tensor
            The averages so far.
        """
        batch = with_weights(data)
        terms = self._terms(batch, step=self.optimizer.iterations, training=False)
        return self._track(terms, batch.sample_weight, self._penalty())

    def _terms(self, batch, *, step, training):
        seed = self._noise_seed(TRAINING, step) if training else self._noise_seed(EVALUATION, 0)
        record = self.infer(
            batch.x,
            condition=batch.condition,
            num_samples=self.objective.num_samples,
            training=training,
            seed=seed,
            sample_weight=batch.sample_weight,
        )
        if training and batch.probabilities is not None:
            record = self._averaged(record, batch.probabilities)
        return self.objective(record, step=step, training=training)

    def _averaged(self, record, probabilities):
        """Put in place of p(x|z) and x what gives the average of log p(x|z) over draws of x's elements."""
        self._check_averages()
        likelihood = self.likelihood.conditionals(record.likelihood, record.x)
        return record._replace(x=self.likelihood.observe(probabilities), likelihood=likelihood)

    def _check_averages(self):
        """Refuse batches with probabilities where log p(x|z) cannot be averaged over draws of x's elements."""
        objective, likelihood = type(self.objective).__name__, type(self.likelihood).__name__
        hint = "Leave them out: `keras_vae.data.pipeline(..., with_probabilities=False)`."
        if not self.likelihood.is_binary:
            raise ValueError(
                "The likelihood must be of binary elements, `Bernoulli` or `AutoregressiveBernoulli`, for batches with "
                f"`probabilities`. {hint} Received: likelihood={likelihood}(...)"
            )
        if not self.objective.is_linear:
            raise ValueError(
                "The objective must be linear in log p(x|z), as `ELBO` is, for batches with `probabilities`. "
                f"{hint} Received: objective={objective}(...)"
            )

    def _gradients(self, tape, losses, variables):
        """Differentiate the loss, and by each level's inference variables their own loss where they have one."""
        own = self._inference_variables() if len(losses) > 1 else []
        taken = {key for group in own for key in group}
        groups = [{id(variable): variable for variable in variables if id(variable) not in taken}, *own]
        found = {}
        for loss, group in zip(losses, groups, strict=True):
            found |= zip(group, tape.gradient(loss, list(group.values())), strict=True)
        return [found[id(variable)] for variable in variables]

    def _inference_variables(self):
        """Return for each latent the trainable variables that make its q, by their identity."""
        parts = self.inference_parts
        levels = zip(parts[: len(parts) // 2], parts[len(parts) // 2 :], strict=True)
        groups = [_variables_of(level) for level in levels]
        others = _variables_of(layer for layer in self.layers if all(layer is not part for part in parts))
        if sum(map(len, [others, *groups])) > len(set(others).union(*groups)):
            raise ValueError(
                '`objective` must take `gradient="plain"` where an encoder shares weights with another level or with '
                f'the decoder. Received: objective={type(self.objective).__name__}(gradient="dreg")'
            )
        return groups

    def _noise_seed(self, stream, step):
        """Return the seed of this batch on this replica.

        The examples counted so far in the epoch tell batches apart where the step does not move: in `evaluate`, and
        between the parts of an accumulated gradient.
        """
        seen = tf.bitcast(tf.cast(self._trackers["loss"].count, tf.float32), tf.int32)
        return fold_in(self.seed, stream, step, seen, replica_id())

    def _penalty(self):
        """Return the sum of all regularisers and `add_loss` terms."""
        losses = [tf.cast(loss, self.variable_dtype) for loss in self.losses]
        return tf.add_n(losses) if losses else tf.zeros([], self.variable_dtype)

    def _track(self, terms, weights, penalty):
        for name, tracker in self._trackers.items():
            values = getattr(terms, name)
            if values.shape.rank == 0:
                tracker.update_state(values)
            else:
                tracker.update_state(values + penalty if name == "loss" else values, sample_weight=weights)
        logs = {name: tracker.result() for name, tracker in self._trackers.items()}
        # Between workers Keras averages logs over their first axis, which scalars do not have.
        return {name: value[None] for name, value in logs.items()} if is_multi_worker() else logs

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Do nothing, as `compile` has built the model: Keras would add up replicas' parts of different lengths."""

    def _ensure_built(self):
        if not self.built:
            with self.distribute_strategy.scope():
                self.build((None, *self.likelihood.x_shape))

    def _rehearse(self):
        """Run the objective once on zeros, so that parts that do not fit are refused before training starts."""
        x = tf.zeros([1, *self.likelihood.x_shape], self.variable_dtype)
        record = self.infer(x, num_samples=self.objective.num_samples, seed=0)
        self.objective(record, step=0, training=False)
        if self.objective.has_inference_losses:
            self._inference_variables()


def _variables_of(layers):
    return {id(variable): variable for layer in layers for variable in layer.trainable_variables}


def _check_options_for_replicas(kwargs):
    """Refuse the options of `compile` with which Keras fails under several replicas."""
    allowed = {"steps_per_execution": (1, "auto"), "jit_compile": (False, "auto"), "run_eagerly": (False,)}
    for name, values in allowed.items():
        if kwargs.get(name, values[0]) not in values:
            raise ValueError(
                f"`{name}` must be {values[0]} with more than one replica: Keras cannot run it there. "
                f"Received: {name}={kwargs[name]!r}"
            )
