"""How every latent-variable model trains, evaluates and predicts."""

import abc
import contextlib
import functools
import logging
import types
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_vae.core import (
    Batch,
    Inference,
    Settled,
    Spec,
    Stream,
    check_finite_weights,
    check_instance,
    check_integer,
    check_restorable,
    fold_in,
    global_sum,
    is_multi_worker,
    keras_internals,
    num_replicas,
    replica_id,
    resolve_seed,
)
from keras_vae.models.divergence import DivergenceGuard, DivergenceWatch
from keras_vae.models.execution import choose_execution, follow_batches, run_of
from keras_vae.models.fit_callbacks import (
    EpochCounter,
    check_monitors,
    check_outputs,
    detach,
    first_epoch,
    with_own_callbacks,
    writes_models,
)
from keras_vae.models.inputs import host_batches, is_stream, pipeline, repeated, stream
from keras_vae.objectives import Objective, Terms

_logger = logging.getLogger("keras_vae")


class Trainer(Settled, keras.Model, abc.ABC):
    """Keras's training loop around `infer`: the objective reads the record, this class does the rest.

    A subclass sets `likelihood`, `condition` and `missing`, and implements `infer`, `_infer`, `build` and the property
    `levels`.

    Parameters
    ----------
    objective : Objective
        What is minimised.
    seed : int, optional
        Seed of all noise.
    **kwargs
        Passed to `keras.Model`.
    """

    _settled_remedy = "Make a model of the same parts, which keep their weights, with another one of this."

    def __init__(self, *, objective: Objective, seed: int | None = None, **kwargs):
        # The model casts nothing itself: observations and statistics stay in float32 under mixed precision.
        super().__init__(autocast=False, **kwargs)
        self.objective = check_instance("objective", objective, Objective, "a `keras_vae.objectives.Objective`")
        if objective.layers:
            self.objective_layers = list(objective.layers)  # Keras tracks what is a layer's attribute
        self.seed = resolve_seed(seed)
        # In an object that Keras does not track: `compile` makes them when the model is built and locked.
        self._run = types.SimpleNamespace(trackers={}, guard=None, wanted={})

    @abc.abstractmethod
    def infer(self, batch: Any, *, num_samples: int = 1, training: bool = False, seed: Any = None) -> Inference:
        """Make the record of one pass from x to p(x|z).

        Parameters
        ----------
        batch : Batch, array_like, tensor, dict or tuple
            What `fit` takes for one batch.
        num_samples : int
            Posterior samples for each example.
        training : bool
            Whether layers behave as in training.
        seed : int or tf.Tensor, optional
            Stateless seed of the noise.

        Returns
        -------
        Inference
        """

    @abc.abstractmethod
    def _infer(self, batch, *, num_samples, training, seed) -> Inference:
        """Make the record of a batch that the spec has made."""

    @functools.cached_property
    def spec(self) -> Spec:
        """What the model takes: the check of every door."""
        x = self.likelihood.values._replace(float16=self.compute_dtype == "float16")
        condition = None if self.condition is None else self.condition.values
        return Spec(
            x,
            condition,
            maskable=self.likelihood.scores_elements,
            dtype=self.variable_dtype,
            event_shape=self.likelihood.event_shape,
            missing=self.missing,
        )

    @functools.cached_property
    def objective_spec(self) -> Spec:
        """What training and evaluation take: the objective may know what to do with labels that are missing."""
        return self.objective.spec(self.spec)

    @property
    def metrics(self) -> list:
        """The trackers of the loss and of the objective's terms, in the order in which they are logged."""
        return list(self._run.trackers.values())

    def compile(
        self,
        optimizer: Any = "adam",
        loss: None = None,
        loss_weights: None = None,
        metrics: None = None,
        weighted_metrics: None = None,
        run_eagerly: bool = False,
        steps_per_execution: int | str = "auto",
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Configure training; the objective was given to the constructor.

        How steps are run is chosen when `fit` has seen the data, and logged with the reason by the logger `keras_vae`:
        XLA on a GPU, and on a CPU for dense layers and long epochs; several steps at a time where they are short.
        XLA then does not compile evaluation and prediction, because it draws other noise.

        Parameters
        ----------
        optimizer : str or keras.optimizers.Optimizer
            The optimizer.
        loss, loss_weights, metrics, weighted_metrics : None
            Refused: the model minimises its objective and logs that objective's terms.
        run_eagerly : bool
            As in `keras.Model.compile`; `encode`, `generate` and the other verbs then run without graphs too.
        steps_per_execution : int or "auto"
            How many steps TensorFlow runs before callbacks are called; "auto" leaves the choice to `fit`, which takes 1
            where a callback follows single batches.
        jit_compile : bool or "auto"
            Whether XLA compiles steps; "auto" leaves the choice to `fit`.
        auto_scale_loss : bool
            As in `keras.Model.compile`.

        Raises
        ------
        ValueError
            If a loss or metrics are given, or an option that several replicas can't take.
        NotImplementedError
            If the objective asks for a closed form that does not exist.
        """
        refused = {"loss": loss, "loss_weights": loss_weights, "metrics": metrics, "weighted_metrics": weighted_metrics}
        for name, value in refused.items():
            if value is not None:
                raise ValueError(
                    f"`{name}` must be left out of `compile`: the model minimises its `objective` and logs that "
                    f"objective's terms. Received: {name}={value!r}"
                )
        wanted = {"jit_compile": jit_compile, "steps_per_execution": steps_per_execution}
        if self.distribute_strategy.num_replicas_in_sync > 1:
            _check_options_for_replicas({**wanted, "run_eagerly": run_eagerly})
        self._run.wanted = wanted
        with self.distribute_strategy.scope():
            self.ensure_built()
            names = self._rehearse()
            if list(self._run.trackers) != names:
                self._run.trackers = {name: keras.metrics.Mean(name=name) for name in names}
            self._run.guard = DivergenceGuard(names[1:])
            super().compile(
                optimizer=optimizer,
                run_eagerly=run_eagerly,
                steps_per_execution=1 if steps_per_execution == "auto" else steps_per_execution,
                jit_compile=jit_compile,
                auto_scale_loss=auto_scale_loss,
            )
            self.optimizer.build(self.trainable_variables)

    def compile_from_config(self, config: dict) -> None:
        """Compile as the saved model was; Keras leaves that to classes with a `compile` of their own."""
        known = ("optimizer", "run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss")
        config = keras.saving.deserialize_keras_object(config)
        self.compile(**{name: config[name] for name in known if name in config})

    def get_compile_config(self) -> dict | None:
        """Return what `compile` was given, so that a loaded model chooses again on the device that it finds."""
        config = super().get_compile_config()
        return config and {**config, **self._run.wanted}

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
    ) -> keras.callbacks.History:
        """Train, as `keras.Model.fit` does, after checking the data against the model.

        Each pass through arrays has an order of its own, the same in two runs with one seed; with `steps_per_epoch` an
        epoch begins where the one before it ended.

        Parameters
        ----------
        x : array_like, dict, tuple, tf.data.Dataset, keras.utils.PyDataset or generator
            Observations of shape (n, *x_shape); a dictionary with "x" and what else there is of "condition", "mask",
            "target" and "sample_weight"; `(x, y)` or `(x, y, sample_weight)`; or batches of any of these.
        y : array_like, optional
            Of the shape of x it is the target, which the likelihood scores while the encoder sees x. What fits the
            model's condition is the condition. Other labels are left out.
        batch_size : int, optional
            Examples in a batch of arrays, 32 by default.
        epochs, verbose, callbacks, validation_split, validation_data, shuffle, class_weight, initial_epoch
            As in `keras.Model.fit`.
        sample_weight : array_like, optional
            Shape (n,) or (n, 1): the weight of each example.
        steps_per_epoch, validation_steps, validation_batch_size, validation_freq
            As in `keras.Model.fit`.

        Returns
        -------
        keras.callbacks.History

        Raises
        ------
        ValueError
            If the data are empty, not finite, of the wrong shape or outside of the likelihood's support, or an argument
            has no meaning for data of this kind.
        OSError
            If a callback cannot write its files.
        DivergenceError
            If a step gave NaN or infinity. It is a `FloatingPointError` that names the term, the step, and the step
            that the weights are from.
        FloatingPointError
            If the weights are not finite from the beginning.
        """
        self._check_compiled("fit")
        if writes_models(callbacks):
            check_restorable(self)
        check_outputs(callbacks)
        batch_size = _batch_size(batch_size)
        if steps_per_epoch is not None:
            check_integer("steps_per_epoch", steps_per_epoch, minimum=0)
        is_array = not is_stream(x)
        if not is_array:
            _refuse_beside_stream(y=y, sample_weight=sample_weight)
            if validation_split and validation_data is None:
                raise ValueError(
                    "`validation_split` must be 0 for data sets and generators, which can't be split: pass "
                    f"`validation_data`. Received: validation_split={validation_split!r}"
                )
            x = stream(x, self.objective_spec, class_weight=class_weight)
        else:
            arrays = self.objective_spec.arrays(x, y, sample_weight, class_weight=class_weight)
            if validation_split and validation_data is None:
                arrays, held_out = _split(arrays, validation_split)
                if class_weight is not None:  # of training alone, as in Keras
                    held_out = _split(self.objective_spec.arrays(x, y, sample_weight), validation_split)[1]
                validation_data = held_out
            x = pipeline(arrays, batch_size=batch_size, shuffle=shuffle, seed=self.seed)
        if validation_data is None:
            check_monitors(callbacks)
        else:
            if isinstance(validation_data, list) and any(hasattr(part, "shape") for part in validation_data):
                validation_data = tuple(validation_data)  # as in Keras
            size = batch_size if validation_batch_size is None else _batch_size(validation_batch_size)
            validation_data = self._evaluation_data(validation_data, batch_size=size, spec=self.objective_spec)
        run = run_of(x, batch_size=batch_size, limits=[steps_per_epoch, validation_steps], callbacks=callbacks)
        execution = choose_execution(self, run, **self._run.wanted)
        self._run_by(execution.jit_compile, execution.steps_per_execution)
        if "auto" in self._run.wanted.values():
            _logger.info("Training steps run %s", execution)
        finite = [validation_data] if is_array and steps_per_epoch else [x, validation_data]
        counters = [data.epoch for data in finite if hasattr(data, "epoch")]
        callbacks = with_own_callbacks(callbacks, [DivergenceWatch(self._run.guard), EpochCounter(counters)])
        initial_epoch = first_epoch(callbacks, initial_epoch, epochs)
        if is_array and steps_per_epoch:
            x = repeated(x, initial_epoch * steps_per_epoch)
        check_finite_weights(self, "to be trained")
        with self._run.guard.naming(self):
            try:
                return super().fit(
                    x,
                    epochs=epochs,
                    verbose=verbose,
                    callbacks=callbacks,
                    validation_data=validation_data,
                    shuffle=shuffle and isinstance(x, keras.utils.PyDataset),
                    initial_epoch=initial_epoch,
                    steps_per_epoch=steps_per_epoch,
                    validation_steps=validation_steps,
                    validation_freq=validation_freq,
                )
            finally:
                detach(callbacks)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs,
    ) -> list[float] | dict[str, float]:
        """Average the objective's terms over a data set, as `keras.Model.evaluate` does, after checking the data.

        Each example counts once, in a short last batch too, and the noise is the same in each call.

        Parameters
        ----------
        x, y, sample_weight
            As in `fit`.
        batch_size : int, optional
            Examples in a batch of arrays, 32 by default.
        verbose, steps, callbacks, return_dict, **kwargs
            As in `keras.Model.evaluate`.

        Returns
        -------
        list of float or dict
            Averages in nats, by `return_dict`.

        Raises
        ------
        ValueError
            If the data are empty, not finite, of the wrong shape or outside of the likelihood's support.
        FloatingPointError
            If the weights are not finite.
        """
        if not keras_internals.is_validation_within_fit(kwargs):
            self._check_compiled("evaluate")
            check_finite_weights(self, "to be evaluated")
            self._settle_for_evaluation(steps, callbacks)
            x = self._evaluation_data(x, y, sample_weight, batch_size=_batch_size(batch_size), spec=self.objective_spec)
        return super().evaluate(x, verbose=verbose, steps=steps, callbacks=callbacks, return_dict=return_dict, **kwargs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> np.ndarray:
        """Reconstruct, as `keras.Model.predict` does, after checking the data.

        Parameters
        ----------
        x : array_like, dict, tuple, tf.data.Dataset, keras.utils.PyDataset or generator
            As in `fit`; x, the condition and the mask count.
        batch_size : int, optional
            Examples in a batch of arrays, 32 by default.
        verbose, steps, callbacks
            As in `keras.Model.predict`.

        Returns
        -------
        numpy.ndarray
            Shape (n, *x_shape).
        """
        self.ensure_built()
        self._settle_for_evaluation(steps, callbacks)
        data = self._evaluation_data(x, batch_size=_batch_size(batch_size), spec=self.spec)
        return super().predict(data, verbose=verbose, steps=steps, callbacks=callbacks)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Update the weights once, as `keras.Model.train_on_batch` does, after checking the data.

        Parameters
        ----------
        x, y, sample_weight, class_weight
            As in `fit`.
        return_dict : bool
            Whether the terms come by name.

        Returns
        -------
        list of float or dict

        Raises
        ------
        ValueError
            If the data are refused.
        DivergenceError
            If the step gave NaN or infinity; it changed nothing.
        """
        self._check_compiled("train_on_batch")
        self._single_steps()
        batch = self.objective_spec.arrays(x, y, sample_weight, class_weight=class_weight)
        self._run.guard.remember(self)
        logs = super().train_on_batch(batch.fields, return_dict=return_dict)
        self._run.guard.raise_if_diverged()
        return logs

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Evaluate one batch, as `keras.Model.test_on_batch` does, after checking the data.

        Parameters
        ----------
        x, y, sample_weight
            As in `fit`.
        return_dict : bool
            Whether the terms come by name.

        Returns
        -------
        list of float or dict

        Raises
        ------
        ValueError
            If the data are refused.
        """
        self._check_compiled("test_on_batch")
        self._single_steps()
        batch = self.objective_spec.arrays(x, y, sample_weight)
        return super().test_on_batch(batch.fields, return_dict=return_dict)

    def predict_on_batch(self, x: Any) -> np.ndarray:
        """Reconstruct one batch, as `keras.Model.predict_on_batch` does, after checking the data.

        Parameters
        ----------
        x : array_like, dict or tuple
            As in `predict`.

        Returns
        -------
        numpy.ndarray
            Shape (n, *x_shape).
        """
        self.ensure_built()
        self._single_steps()
        return super().predict_on_batch(self.spec.arrays(x).fields)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Update the weights once: infer, objective, gradients, trackers.

        A step with NaN or infinity in a term or in the gradient changes no weight, and neither do those after it.

        Parameters
        ----------
        data : tensor, tuple or dict
            One batch, as `fit` takes them.

        Returns
        -------
        dict of tf.Tensor
            The epoch's averages so far.
        """
        batch = _weighted(self.spec.tensors(data))

        def differentiate():
            with tf.GradientTape(persistent=self.objective.has_inference_losses) as tape:
                terms = self._terms(batch, step=self.optimizer.iterations, training=True)
                penalty = self._penalty()
                losses = self._shares(terms, batch.sample_weight, penalty)
            variables = self.trainable_variables
            return terms, penalty, self._gradients(tape, losses, variables), variables

        terms, penalty = self._run.guard.update(self, batch, differentiate)
        return self._track(terms, batch.sample_weight, penalty)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Evaluate one batch: the training step without its gradients.

        Parameters
        ----------
        data : tensor, tuple or dict
            One batch, as in `train_step`.

        Returns
        -------
        dict of tf.Tensor
            The averages so far.
        """
        batch = _weighted(self.spec.tensors(data))
        terms = self._terms(batch, step=self.optimizer.iterations, training=False)
        return self._track(terms, batch.sample_weight, self._penalty())

    def predict_step(self, data: Any) -> tf.Tensor:
        """Reconstruct one batch."""
        return self(self.spec.tensors(data).fields, training=False)

    def calibrate(self, data: Any, *, batch_size: int = 128) -> None:
        """Set the likelihood's optimal scale exactly, from the squared errors over a whole data set.

        Parameters
        ----------
        data : array_like, dict, tuple or stream of batches
            As in `fit`; the training set, usually.
        batch_size : int
            Examples at a time, of arrays.

        Raises
        ------
        ValueError
            If the likelihood is not `Gaussian(scale="optimal")`, or the data are refused.
        """
        self.ensure_built()

        @tf.function(reduce_retracing=True, autograph=False)
        def squared_error(fields, number):
            batch = _weighted(self.spec.tensors(fields))
            seed = fold_in(self.seed, Stream.CALIBRATION, number)
            record = self.infer(batch, num_samples=self.objective.num_samples, seed=seed)
            return self.likelihood.squared_error(record)

        def squared_errors():
            for number, batch in enumerate(host_batches(data, self.spec, batch_size)):
                yield squared_error(batch.fields, tf.constant(number))

        self.likelihood.calibrate(squared_errors())

    def make_test_function(self, force: bool = False) -> None:
        """Make what evaluates batches; without XLA, unless it was asked for."""
        with self._without_chosen_xla():
            super().make_test_function(force)

    def make_predict_function(self, force: bool = False) -> None:
        """Make what predicts batches; without XLA, unless it was asked for."""
        with self._without_chosen_xla():
            super().make_predict_function(force)

    def ensure_built(self) -> None:
        """Build all parts, if that was not done; every verb does it by itself."""
        if not self.built:
            with self.distribute_strategy.scope():
                self.build((None, *self.likelihood.x_shape))

    _maybe_symbolic_build = keras_internals.no_symbolic_build

    def _terms(self, batch, *, step, training) -> Terms:
        seed = self._noise_seed(Stream.TRAINING, step) if training else self._noise_seed(Stream.EVALUATION, 0)
        options = {"num_samples": self.objective.num_samples, "training": training, "seed": seed}
        infer = functools.partial(self._infer, **options)
        return self.objective.terms(batch, infer, step=step, training=training)

    def _noise_seed(self, stream, step):
        """Return the seed of this batch on this replica.

        The examples counted so far in the epoch tell batches apart where the step does not move: in `evaluate`, and
        between the parts of an accumulated gradient.
        """
        seen = tf.bitcast(tf.cast(self._run.trackers["loss"].count, tf.float32), tf.int32)
        return fold_in(self.seed, stream, step, seen, replica_id())

    def _penalty(self):
        """Return the sum of all regularisers and `add_loss` terms."""
        losses = [tf.cast(loss, self.variable_dtype) for loss in self.losses]
        return tf.add_n(losses) if losses else tf.zeros([], self.variable_dtype)

    def _shares(self, terms, weights, penalty):
        """Return this replica's share of the global mean; the optimizer sums gradients over replicas."""
        # As in Keras, by the number of examples: a weight counts as much in whatever batch its example comes.
        rows = global_sum(tf.cast(tf.shape(weights)[0], terms.loss.dtype))
        share = tf.cast(weights, terms.loss.dtype) / rows
        return [
            self.optimizer.scale_loss(tf.reduce_sum(share * loss) + penalty / num_replicas())
            for loss in (terms.loss, *(terms.inference_losses or ()))
        ]

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
        groups = [_variables_of(level[:2]) for level in self.levels]
        inference = [part for level in self.levels for part in level[:2]]
        others = _variables_of(layer for layer in self.layers if all(layer is not part for part in inference))
        if sum(map(len, [others, *groups])) > len(set(others).union(*groups)):
            raise ValueError(
                '`objective` must take `gradient="plain"` where an encoder shares weights with another level or with '
                f'the decoder. Received: objective={type(self.objective).__name__}(gradient="dreg")'
            )
        return groups

    def _track(self, terms, weights, penalty):
        if unknown := set(terms.logs) - set(self._run.trackers):
            raise ValueError(
                "An objective must log the same terms in training and outside of it, where they were counted. "
                f"Received: also {sorted(unknown)} from {type(self.objective).__name__}"
            )
        for name, tracker in self._run.trackers.items():
            values = terms.loss + penalty if name == "loss" else terms.logs[name]
            values = tf.convert_to_tensor(values)
            tracker.update_state(values, sample_weight=None if values.shape.rank == 0 else weights)
        logs = {name: tracker.result() for name, tracker in self._run.trackers.items()}
        # Between workers Keras averages logs over their first axis, which scalars do not have.
        return {name: value[None] for name, value in logs.items()} if is_multi_worker() else logs

    def _rehearse(self):
        """Run the objective once on zeros, so that parts that do not fit are refused, and return what it logs."""
        size, num_samples = 3, self.objective.num_samples  # one example would broadcast
        batch = self.spec.tensors(self.spec.blank(size))
        infer = functools.partial(self.infer, num_samples=num_samples, seed=0)
        _check_record(infer(batch), (num_samples, size))
        terms = self.objective.terms(batch, infer, step=0, training=False)
        _check_terms(terms, size, type(self.objective).__name__)
        if self.objective.has_inference_losses:
            self._inference_variables()
        return ["loss", *terms.logs]

    def _evaluation_data(self, x, y=None, sample_weight=None, *, batch_size, spec):
        if isinstance(x, tuple) and len(x) == 1:
            x = x[0]
        if is_stream(x):
            _refuse_beside_stream(y=y, sample_weight=sample_weight)
            return stream(x, spec)
        arrays = spec.arrays(x, y, sample_weight)
        return pipeline(arrays, batch_size=batch_size, shuffle=False, seed=self.seed)

    def _check_compiled(self, verb):
        if not self.compiled:
            raise ValueError(f"You must call `compile()` before `{verb}()`. Received: a model that is not compiled")

    def _settle_for_evaluation(self, limit, callbacks):
        """Take single steps where several were chosen that would go beyond a limit, or that a callback would miss."""
        if (limit or 0) % self.steps_per_execution or follow_batches(callbacks):
            self._single_steps()

    def _single_steps(self):
        if self._run.wanted.get("steps_per_execution") == "auto":
            self._run_by(self.jit_compile, 1)

    def _run_by(self, jit_compile, steps_per_execution):
        if (jit_compile, steps_per_execution) != (self.jit_compile, self.steps_per_execution):
            self.jit_compile, self.steps_per_execution = jit_compile, steps_per_execution
            self.train_function = self.test_function = self.predict_function = None

    @contextlib.contextmanager
    def _without_chosen_xla(self):
        """Keep XLA, which draws other noise, out of what must not depend on a choice."""
        chosen = self.jit_compile
        self.jit_compile = chosen and self._run.wanted.get("jit_compile") != "auto"
        try:
            yield
        finally:
            self.jit_compile = chosen


def _batch_size(batch_size):
    return 32 if batch_size is None else check_integer("batch_size", batch_size, minimum=1)


def _weighted(batch):
    """Give each example a weight, one where there are none."""
    weights = batch.sample_weight
    weights = tf.ones([tf.shape(batch.x)[0]]) if weights is None else tf.cast(weights, tf.float32)
    return batch._replace(sample_weight=weights)


def _check_record(record, shape):
    """Refuse densities that are not one number for each sample and example: others would broadcast in silence."""
    densities = {"likelihood": record.log_likelihood}
    for latent in record.latents:
        densities |= {name: getattr(latent, name).log_prob(latent.z) for name in ("posterior", "prior")}
    for name, density in densities.items():
        if tuple(density.shape) != shape:
            raise ValueError(
                f"The {name} must have a density of shape (num_samples, batch), {shape} here: wrap factorized "
                f"distributions into `tfp.distributions.Independent`. Received: shape {tuple(density.shape)}"
            )


def _check_terms(terms, size, objective):
    """Refuse a loss or logs of a shape that would broadcast in silence."""
    check_instance(f"The answer of {objective}", terms, Terms, "a `keras_vae.objectives.Terms`")
    if "loss" in terms.logs:
        raise ValueError(f"`logs` of {objective} must have other names than 'loss', which is logged. Received: 'loss'")
    shapes = {name: tuple(tf.convert_to_tensor(term).shape) for name, term in terms.logs.items()}
    for name, shape in {**shapes, "loss": tuple(terms.loss.shape)}.items():
        if shape != (size,) and (name == "loss" or shape):
            expected = "(batch,)" if name == "loss" else "(batch,) or ()"
            raise ValueError(
                f"`{name}` of {objective} must have shape {expected}, a number for each of {size} examples here. "
                f"Received: shape {shape}"
            )


def _split(batch: Batch, fraction):
    """Take the last examples for validation, as Keras does."""
    size = len(batch.x)
    kept = int(size * (1.0 - fraction))
    if not 0 < kept < size:
        raise ValueError(
            "`validation_split` must be between 0 and 1 and leave at least one example on both sides. "
            f"Received: validation_split={fraction!r} for {size} examples"
        )
    return batch.rows(0, kept), batch.rows(kept, size)


def _refuse_beside_stream(**arguments):
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(
                f"`{name}` must be part of the data set's batches, (x, y, sample_weight) or a dictionary, where x is a "
                f"data set or a generator. Received: {name} beside it"
            )


def _variables_of(layers):
    return {id(variable): variable for layer in layers for variable in layer.trainable_variables}


def _check_options_for_replicas(options):
    """Refuse the options of `compile` with which Keras fails under several replicas."""
    allowed = {"steps_per_execution": (1, "auto"), "jit_compile": (False, "auto"), "run_eagerly": (False,)}
    for name, values in allowed.items():
        if options[name] not in values:
            raise ValueError(
                f"`{name}` must be {values[0]} with more than one replica: Keras cannot run it there. "
                f"Received: {name}={options[name]!r}"
            )
