"""Training, evaluation and prediction on data that are checked first."""

import keras
import tensorflow as tf

from keras_vae.core import fold_in
from keras_vae.data import pipeline
from keras_vae.models.callback_order import first_epoch, with_own_callbacks
from keras_vae.models.divergence_watch import DivergenceWatch
from keras_vae.models.epoch_counter import EpochCounter
from keras_vae.models.execution import run_of
from keras_vae.models.inputs import Batch, Rule, checked, is_array, unpack, with_weights
from keras_vae.models.outputs import check_outputs
from keras_vae.models.training_steps import CALIBRATION, TrainingSteps


class CheckedTraining(TrainingSteps):
    """Keras's `fit`, `evaluate` and `predict`, and `calibrate`, with the data checked against the likelihood.

    Parameters
    ----------
    objective : Objective
        What is minimised.
    seed : int, optional
        Seed of all noise.
    **kwargs
        Passed to `keras.Model`.
    """

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        sample_weight=None,
        **kwargs,
    ):
        """Train, as `keras.Model.fit` does, after checking the data against the likelihood.

        Arrays go through `keras_vae.data.pipeline`: each epoch has an order of its own, the same in two runs with one
        seed. Targets `y` are ignored.

        Parameters
        ----------
        x : array_like, tf.data.Dataset, keras.utils.PyDataset or generator
            Observations of shape (n, *event_shape), or batches of them, which may be dictionaries: the key
            "probabilities" has those by which binary "x" were drawn, over whose draws log p(x|z) is then averaged.
        y : array_like, optional
            Ignored.
        batch_size : int, optional
            Examples in a batch of an array, 32 by default.
        epochs, verbose, callbacks, validation_split, validation_data, shuffle, sample_weight, **kwargs
            As in `keras.Model.fit`.

        Returns
        -------
        keras.callbacks.History

        Raises
        ------
        ValueError
            If the data are empty, not finite, of the wrong shape or outside of the likelihood's support, or have
            probabilities that likelihood or objective cannot average over.
        OSError
            If a callback could not write where it is to write.
        DivergenceError
            If a step gave NaN or infinity. It is a `FloatingPointError` that names the term and the step; the weights
            are those of the step before.
        """
        self._assert_compile_called("fit")
        check_outputs(callbacks)
        batch_size = batch_size or 32
        x = checked(x, self._rule())
        if isinstance(x, tf.data.Dataset) and unpack(x.element_spec).probabilities is not None:
            self._check_averages()
        if is_array(x):
            if validation_split and validation_data is None:
                kept = int(len(x) * (1.0 - validation_split))
                weights = (None, None) if sample_weight is None else (sample_weight[:kept], sample_weight[kept:])
                validation_data = (x[kept:], None, weights[1])
                x, sample_weight = x[:kept], weights[0]
            x = self._batches(x, sample_weight, batch_size, shuffle, repeat="steps_per_epoch" in kwargs)
            sample_weight = None
        if validation_data is not None:
            # Here a tuple is (x, y, sample_weight) of arrays, as in Keras.
            is_tuple = isinstance(validation_data, (tuple, list))
            held_out = unpack(tuple(validation_data)) if is_tuple else Batch(validation_data)
            validation_data = self._evaluation_data(
                held_out.x, held_out.sample_weight, kwargs.pop("validation_batch_size", batch_size)
            )
        limits = [kwargs.get("steps_per_epoch"), kwargs.get("validation_steps")]
        self._settle(run_of(x, batch_size=batch_size, limits=limits, callbacks=callbacks))
        counters = [data.epoch for data in (x, validation_data) if hasattr(data, "epoch")]
        callbacks = with_own_callbacks(callbacks, [DivergenceWatch(self._guard), EpochCounter(counters)])
        kwargs["initial_epoch"] = first_epoch(callbacks, kwargs.get("initial_epoch"), epochs)
        return super().fit(
            x,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            shuffle=shuffle and isinstance(x, keras.utils.PyDataset),
            sample_weight=sample_weight,
            **kwargs,
        )

    def train_on_batch(self, *args, **kwargs):
        """Update the weights once, as `keras.Model.train_on_batch` does.

        Parameters
        ----------
        *args, **kwargs
            As in `keras.Model.train_on_batch`.

        Returns
        -------
        list of float or dict
            The terms, by `return_dict`.

        Raises
        ------
        DivergenceError
            If the step gave NaN or infinity; it changed nothing.
        """
        logs = super().train_on_batch(*args, **kwargs)
        self._guard.raise_if_diverged()
        return logs

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, **kwargs):
        """Average the objective's terms over a data set, as `keras.Model.evaluate` does, after checking the data.

        Each example counts once, in a short last batch too, and the noise is the same in each call.

        Parameters
        ----------
        x : array_like, tf.data.Dataset, keras.utils.PyDataset or generator
            Observations of shape (n, *event_shape), or batches of them.
        y : array_like, optional
            Ignored.
        batch_size : int, optional
            Examples in a batch of an array, 32 by default.
        verbose, sample_weight, **kwargs
            As in `keras.Model.evaluate`.

        Returns
        -------
        list of float or dict
            Averages in nats, by `return_dict`.

        Raises
        ------
        ValueError
            If the data are empty, not finite, of the wrong shape or outside of the likelihood's support.
        """
        if not kwargs.get("_use_cached_eval_dataset"):  # Keras's own call from within `fit`
            self._assert_compile_called("evaluate")
            self._settle_for_evaluation(kwargs.get("steps"), kwargs.get("callbacks"))
            x, sample_weight = self._evaluation_data(x, sample_weight, batch_size or 32), None
        return super().evaluate(x, verbose=verbose, sample_weight=sample_weight, **kwargs)

    def predict(self, x, batch_size=None, **kwargs):
        """Reconstruct, as `keras.Model.predict` does, after checking the data.

        Parameters
        ----------
        x : array_like, tf.data.Dataset, keras.utils.PyDataset or generator
            Observations of shape (n, *event_shape), or batches as `fit` takes them, of which x alone counts.
        batch_size : int, optional
            Examples in a batch of an array.
        **kwargs
            As in `keras.Model.predict`.

        Returns
        -------
        numpy.ndarray
            Shape (n, *event_shape).
        """
        self._ensure_built()
        self._settle_for_evaluation(kwargs.get("steps"), kwargs.get("callbacks"))
        return super().predict(checked(x, self._rule()), batch_size=batch_size, **kwargs)

    def predict_step(self, data):
        """Reconstruct one batch, whatever else than x it holds.

        Parameters
        ----------
        data : tensor, tuple or dict
            One batch, as `fit` takes them.

        Returns
        -------
        tf.Tensor
            Shape (batch, *event_shape).
        """
        return self(unpack(data).x, training=False)

    def calibrate(self, data, *, batch_size=128):
        """Set the likelihood's optimal scale exactly, from the squared errors over a whole data set.

        Parameters
        ----------
        data : array_like or tf.data.Dataset
            Observations of shape (n, *event_shape), or batches of them; the training set, usually.
        batch_size : int
            Examples in a batch of an array.

        Raises
        ------
        ValueError
            If the likelihood is not `Gaussian(scale="optimal")`, or the data are refused.
        """
        self._ensure_built()
        data = self._evaluation_data(data, None, batch_size)

        @tf.function(reduce_retracing=True)
        def squared_error(x, weights, number):
            record = self.infer(x, num_samples=self.objective.num_samples, seed=fold_in(self.seed, CALIBRATION, number))
            errors = tf.reduce_mean(tf.math.squared_difference(record.x, record.likelihood.mean()), axis=0)
            per_example = tf.reduce_sum(tf.reshape(errors, [tf.shape(errors)[0], -1]), axis=1)
            return tf.reduce_sum(weights * per_example), tf.reduce_sum(weights) * self.likelihood.event_size

        def squared_errors():
            for number, batch in enumerate(data):
                batch = with_weights(batch)
                yield squared_error(batch.x, batch.sample_weight, tf.constant(number))

        self.likelihood.calibrate(squared_errors())

    def _rule(self):
        """Return what the likelihood takes for observations."""
        likelihood = self.likelihood
        return Rule(
            shape=likelihood.x_shape,
            support=likelihood.support,
            integer=likelihood.integer_valued,
            owner=f"the likelihood {type(likelihood).__name__}",
            float16=self.compute_dtype == "float16",
        )

    def _batches(self, x, sample_weight, batch_size, shuffle, repeat=False):
        dataset = pipeline(
            x, batch_size=batch_size, shuffle=shuffle, seed=self.seed, sample_weight=sample_weight, rescale=False
        )
        if not repeat:
            return dataset
        repeated = dataset.repeat()
        repeated.epoch = dataset.epoch
        return repeated

    def _evaluation_data(self, x, sample_weight, batch_size):
        x = checked(x, self._rule())
        return self._batches(x, sample_weight, batch_size, shuffle=False) if is_array(x) else x
