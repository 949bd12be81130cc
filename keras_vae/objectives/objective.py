"""The contract of an objective."""

import abc
from collections.abc import Callable
from typing import Any, Self

import tensorflow as tf

from keras_vae.core import Batch, Inference, Settled, Spec
from keras_vae.objectives.terms import Terms


class Objective(Settled, abc.ABC):
    """A function from a record and the optimizer's step to the terms that are minimised and logged.

    It sees the record (`keras_vae.core.Inference`), the step and nothing else. Subclasses implement `__call__` and
    `get_config` and are registered with Keras. What they put into `Terms.logs` is logged, under any name but "loss".

    In the record, `log_likelihood` and each latent's z have the samples in front: (num_samples, batch, ...). Terms are
    means over samples, of shape (batch,). The terms of `record.auxiliary`, which posteriors contribute, belong into
    both loss and logs. Where they differ, a class sets `num_samples`, the posterior samples that it wants,
    `needs_density`, whether q must have one, and `couples_examples`.

    An objective that needs another batch inferred than the given one implements `terms`, too, as `SemiSupervised` does.
    One with layers of its own has them in `layers` and builds them in `build`.

    Examples
    --------
    >>> @keras.saving.register_keras_serializable("mine")
    ... class WithSize(keras_vae.objectives.ELBO):
    ...     def __call__(self, record, *, step, training):
    ...         terms = super().__call__(record, step=step, training=training)
    ...         size = tf.reduce_mean(tf.reduce_sum(record.latents[0].z ** 2, axis=-1), axis=0)
    ...         return terms._replace(logs={**terms.logs, "size": size})
    """

    _also_settled = ("num_samples",)
    _settled_remedy = (
        "For a weight that changes pass a `keras_vae.schedules.Schedule`. Otherwise make a model of the same parts, "
        "which keep their weights, with another objective."
    )

    num_samples: int = 1
    """Posterior samples for each example that the objective wants."""

    needs_density: bool = True
    """Whether q(z|x) must have a density."""

    couples_examples: bool = False
    """Whether an example's loss depends on others of the batch: such an objective joins replicas by `core.gather`."""

    has_inference_losses: bool = False
    """Whether `Terms.inference_losses` is filled: a loss of its own for each latent's encoder and posterior."""

    layers: tuple = ()
    """Layers of its own, which the model trains and saves."""

    def build(self, x: Any, condition: Any) -> None:
        """Build the objective's layers; called by the model around it.

        Parameters
        ----------
        x : keras.KerasTensor
            Stands for observations, of shape (None, *x_shape).
        condition : keras_vae.conditions.Condition, optional
            The model's.
        """

    def spec(self, spec: Spec) -> Spec:
        """Return what the objective takes, where that is more than the model's verbs do.

        Parameters
        ----------
        spec : Spec
            The model's.

        Returns
        -------
        Spec
        """
        return spec

    def terms(
        self, batch: Batch, infer: Callable[[Batch], Inference], *, step: int | tf.Tensor, training: bool
    ) -> Terms:
        """Compute the terms of a batch: those of its record, unless an objective wants other batches inferred.

        Parameters
        ----------
        batch : Batch
            Of tensors.
        infer : callable
            From a batch to its record.
        step, training
            As in a call.

        Returns
        -------
        Terms
            With a number for each example of `batch`.
        """
        return self(infer(batch), step=step, training=training)

    @abc.abstractmethod
    def __call__(self, record: Inference, *, step: int | tf.Tensor, training: bool) -> Terms:
        """Compute the terms.

        Parameters
        ----------
        record : Inference
            One pass through the model.
        step : int or tf.Tensor
            The optimizer's step, which schedules read.
        training : bool
            Whether this is a training step.

        Returns
        -------
        Terms
        """

    @abc.abstractmethod
    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the objective.

        Returns
        -------
        dict
        """

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild an objective from `get_config`.

        Parameters
        ----------
        config : dict
            The arguments.

        Returns
        -------
        Objective
        """
        return cls(**config)


def distortion(record: Inference) -> tf.Tensor:
    """Return -E_q[log p(x|z)], the mean over samples, of shape (batch,) in nats."""
    return -tf.reduce_mean(record.log_likelihood, axis=0)


def auxiliary_loss(record: Inference) -> tf.Tensor | float:
    """Return the sum of the terms that parts contribute, of shape (batch,), or 0 where there are none."""
    return tf.add_n(list(record.auxiliary.values())) if record.auxiliary else 0.0
