"""The contract of an objective."""

import abc

import tensorflow as tf


class Objective(abc.ABC):
    """A function from a record and the optimizer's step to the terms that are minimised and logged.

    It sees the record (`keras_vae.core.Inference`), the step and nothing else. Subclasses implement `__call__` and
    `get_config`, name in `term_names` the terms that they answer, and are registered with Keras.
    """

    num_samples = 1
    """Posterior samples for each example that the objective wants."""

    needs_density = True
    """Whether q(z|x) must have a density."""

    has_inference_losses = False
    """Whether `Terms.inference_losses` is filled: a loss of its own for each latent's encoder and posterior."""

    @property
    @abc.abstractmethod
    def term_names(self):
        """The fields of `Terms` that are filled, and so logged."""

    @abc.abstractmethod
    def __call__(self, record, *, step, training):
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
    def get_config(self):
        """Return the arguments that rebuild the objective.

        Returns
        -------
        dict
        """

    @classmethod
    def from_config(cls, config):
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


def distortion(record):
    """Return -E_q[log p(x|z)], the mean over samples, for each example.

    Parameters
    ----------
    record : Inference
        One pass through the model.

    Returns
    -------
    tf.Tensor
        Shape (batch,), in nats.
    """
    return -tf.reduce_mean(record.likelihood.log_prob(record.x), axis=0)
