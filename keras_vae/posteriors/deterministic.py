"""The plain autoencoder's code."""

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import register
from keras_vae.posteriors.posterior import Posterior


@register
class Deterministic(Posterior):
    """A code without noise: all of q(z|x) is in one point, as in the plain autoencoder.

    It has no density, hence no KL divergence and no elbo; its objective is `Reconstruction`.

    Parameters
    ----------
    latent_dim : int
        The number of latent dimensions, at least 1.
    **kwargs
        Passed to `Posterior` (`kernel_initializer`) and `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If `latent_dim` < 1.
    """

    is_distribution = False

    @property
    def parameter_size(self) -> int:
        """The number of values that the projection gives for each example."""
        return self.latent_dim

    def split(self, projected: tf.Tensor) -> dict[str, tf.Tensor]:
        """Name the projection's output `mean`."""
        return {"mean": projected}

    def distribution(self, parameters: dict[str, tf.Tensor]) -> tfp.distributions.Distribution:
        """Build the point mass."""
        return tfp.distributions.Independent(tfp.distributions.Deterministic(parameters["mean"]), 1)

    def sample(self, parameters: dict[str, tf.Tensor], num_samples: int, seed: tf.Tensor) -> tf.Tensor:
        """Repeat the code `num_samples` times."""
        return tf.tile(parameters["mean"][None], [num_samples, 1, 1])
