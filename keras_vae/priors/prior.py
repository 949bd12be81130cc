"""The contract of a prior."""

import abc

import keras
import tensorflow as tf

from keras_vae.core import Settled


class Prior(Settled, keras.layers.Layer, abc.ABC):
    """p(z), of the latent dimension that the model around it builds it with.

    Parameters
    ----------
    **kwargs
        Passed to `keras.layers.Layer`.
    """

    is_conditional = False
    """Whether p(z|c) depends on the latent variable above, on the model's condition, or on both."""

    needs_posterior = False
    """Whether the prior is made of posteriors q(z|u), which the model hands over."""

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)  # densities are computed in the variables' precision
        self.latent_dim = None

    def build(self, input_shape):
        """Take the latent dimension from the shape of z, (..., latent_dim)."""
        self.latent_dim = int(input_shape[-1])

    @abc.abstractmethod
    def distribution(self, posterior_of=None, condition=None, training=False):
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

    def sample(self, num_samples, *, seed, posterior_of=None, condition=None):
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

    def event_shape(self):
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

    def call(self, z, posterior_of=None, condition=None):
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

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return super().get_config()  # Keras's own, without this, refuses a dtype policy
