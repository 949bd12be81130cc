"""The contract of a prior."""

import abc
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import Layer, Settled


class Prior(Settled, Layer, abc.ABC):
    """p(z), of the latent dimension that the model around it builds it with.

    Parameters
    ----------
    **kwargs
        Passed to `keras.layers.Layer`.
    """

    _also_settled = ("latent_dim",)
    _filled_in: tuple[str, ...] = ("latent_dim",)

    is_conditional: bool = False
    """Whether p(z|c) depends on the latent variable above, on the model's condition, or on both."""

    needs_posterior: bool = False
    """Whether the prior is made of posteriors q(z|u), which the model hands over."""

    def __init__(self, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)  # densities are computed in the variables' precision
        self.latent_dim: int | None = None

    def build(self, input_shape: Sequence[Any]) -> None:
        """Take the latent dimension from the shape of z, (..., latent_dim)."""
        self.latent_dim = int(input_shape[-1])

    @abc.abstractmethod
    def distribution(
        self,
        posterior_of: Callable[[Any], Any] | None = None,
        condition: tf.Tensor | list[tf.Tensor] | None = None,
        training: bool = False,
    ) -> tfp.distributions.Distribution:
        """Build p(z).

        Parameters
        ----------
        posterior_of : callable, optional
            From observations to q(z|x), which the model passes; a prior made of posteriors needs it.
        condition : tf.Tensor or list of tf.Tensor, optional
            What a conditional prior is given: the latent variable above, the model's condition, or the list of both.
        training : bool
            Whether layers behave as in training.

        Returns
        -------
        tfp.distributions.Distribution
            Of event shape (latent_dim,).
        """

    def sample(
        self,
        num_samples: int | tf.Tensor,
        *,
        seed: tf.Tensor,
        posterior_of: Callable[[Any], Any] | None = None,
        condition: tf.Tensor | list[tf.Tensor] | None = None,
    ) -> tf.Tensor:
        """Draw from p(z).

        Parameters
        ----------
        num_samples : int or tf.Tensor
            How many.
        seed : tf.Tensor
            Shape (2,): a stateless seed.
        posterior_of, condition
            As in `distribution`.

        Returns
        -------
        tf.Tensor
            Shape (num_samples, ..., latent_dim), with the condition's batch between.
        """
        return self.distribution(posterior_of=posterior_of, condition=condition).sample(num_samples, seed=seed)

    def event_shape(self) -> tuple[int, ...]:
        """Return (latent_dim,), once it is known.

        Returns
        -------
        tuple of int

        Raises
        ------
        ValueError
            If the prior was not built.
        """
        if self.latent_dim is None:
            raise ValueError(
                f"`{type(self).__name__}` must be built before its distribution is known: put it into a model, or call "
                "`build((None, latent_dim))`. Received: latent_dim=None"
            )
        return (self.latent_dim,)

    def call(
        self,
        z: tf.Tensor,
        posterior_of: Callable[[Any], Any] | None = None,
        condition: tf.Tensor | list[tf.Tensor] | None = None,
    ) -> tf.Tensor:
        """Return log p(z).

        Parameters
        ----------
        z : tf.Tensor
            Shape (..., latent_dim).
        posterior_of, condition
            As in `distribution`.

        Returns
        -------
        tf.Tensor
            Shape (...), in nats.
        """
        z = tf.cast(z, self.variable_dtype)
        return self.distribution(posterior_of=posterior_of, condition=condition).log_prob(z)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return super().get_config()  # Keras's own, without this, refuses a dtype policy
