"""The contract of a posterior."""

import abc
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import Layer, Settled, as_initializer, check_integer


class Posterior(Settled, Layer, abc.ABC):
    """q(z|x): projects features to parameters, draws from them and builds the distribution.

    Subclasses set `parameter_size`, the number of values that the projection gives for each example, and implement
    `split`, `distribution` and `sample`. Parameters are plain tensors in the variables' precision, so that a model
    saves and exports cleanly; distributions are built from them only inside `infer` or a loss.

    Parameters
    ----------
    latent_dim : int
        The number of latent dimensions, at least 1.
    kernel_initializer : str or keras.initializers.Initializer
        How the projection's weights begin.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If `latent_dim` < 1.
    """

    is_distribution: bool = True
    """Whether q(z|x) has a density, so that a KL divergence exists."""

    def __init__(self, latent_dim: int, *, kernel_initializer: Any = "glorot_uniform", **kwargs: Any):
        super().__init__(autocast=False, **kwargs)  # parameters keep the variables' precision
        self.latent_dim = check_integer("latent_dim", latent_dim, minimum=1)
        self.kernel_initializer = as_initializer(kernel_initializer)
        self.flatten = keras.layers.Flatten(dtype=self.variable_dtype)
        self.projection = keras.layers.Dense(
            self.parameter_size,
            kernel_initializer=self.kernel_initializer,
            dtype=self.variable_dtype,
            name="projection",
        )

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """The shape of one z: (latent_dim,), unless a subclass has grids or codes."""
        return (self.latent_dim,)

    def auxiliary(self, parameters: dict[str, tf.Tensor], training: bool = False) -> dict[str, tf.Tensor]:
        """Return further terms that an objective adds to the loss and logs, such as a commitment loss; none here.

        Parameters
        ----------
        parameters : dict of tf.Tensor
            What the layer returned.
        training : bool
            Whether this is a training step.

        Returns
        -------
        dict of tf.Tensor
            By name, each of shape (batch,) or with samples of the level above in front, in nats.
        """
        return {}

    @property
    @abc.abstractmethod
    def parameter_size(self) -> int:
        """The number of values that the projection gives for each example."""

    @abc.abstractmethod
    def split(self, projected: tf.Tensor) -> dict[str, tf.Tensor]:
        """Turn the projection's output into named parameters.

        Parameters
        ----------
        projected : tf.Tensor
            Shape (batch, parameter_size).

        Returns
        -------
        dict of tf.Tensor
            `mean`, of shape (batch, latent_dim), and what else the distribution needs.
        """

    @abc.abstractmethod
    def distribution(self, parameters: dict[str, tf.Tensor]) -> tfp.distributions.Distribution:
        """Build q(z|x).

        Parameters
        ----------
        parameters : dict of tf.Tensor
            What the layer returned.

        Returns
        -------
        tfp.distributions.Distribution
            Of batch shape (batch,) and event shape `latent_shape`.
        """

    @abc.abstractmethod
    def sample(self, parameters: dict[str, tf.Tensor], num_samples: int, seed: tf.Tensor) -> tf.Tensor:
        """Draw reparameterized samples.

        Parameters
        ----------
        parameters : dict of tf.Tensor
            What the layer returned.
        num_samples : int
            Samples for each example.
        seed : tf.Tensor
            Shape (2,): a stateless seed; the samples are a pure function of it. Or (batch, 2): a seed for each row, as
            `keras_vae.core.standard_normal` takes it.

        Returns
        -------
        tf.Tensor
            Shape (num_samples, batch, *latent_shape).
        """

    def build(self, input_shape: Sequence[Any]) -> None:
        """Build the projection on flattened features."""
        self.flatten.build(input_shape)
        self.projection.build(self.flatten.compute_output_shape(input_shape))

    def call(self, features: tf.Tensor) -> dict[str, tf.Tensor]:
        """Project features to parameters.

        Parameters
        ----------
        features : tf.Tensor
            Shape (batch, ...), of any rank.

        Returns
        -------
        dict of tf.Tensor
            The parameters, as `split` names them.
        """
        return self.split(self.projection(self.flatten(features)))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "latent_dim": self.latent_dim,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
