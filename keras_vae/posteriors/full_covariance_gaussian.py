"""The Gaussian posterior with correlations."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import as_seed, bounded, check_range, fold_in, register, replica_id, standard_normal
from keras_vae.posteriors.posterior import Posterior


@register
class FullCovarianceGaussian(Posterior):
    """q(z|x) = N(mean, L L^T), L lower-triangular; z = mean + L eps (Kingma & Welling 2019, section 2.5.1).

    The diagonal of L is exp(log_var / 2), where log_var is the logarithm of the variance of each dimension given those
    before it; below the diagonal L is linear in the features and begins small.

    Parameters
    ----------
    latent_dim : int
        The number of latent dimensions, at least 1.
    log_var_range : pair of float
        log_var is clipped to it, as in `DiagonalGaussian`.
    **kwargs
        Passed to `Posterior` (`kernel_initializer`) and `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If `latent_dim` < 1 or `log_var_range` is no range.
    """

    def __init__(self, latent_dim: int, *, log_var_range: Sequence[float] = (-20.0, 10.0), **kwargs: Any):
        super().__init__(latent_dim, **kwargs)
        self.log_var_range = check_range("log_var_range", log_var_range)

    @property
    def parameter_size(self) -> int:
        """The number of values that the projection gives for each example."""
        return 2 * self.latent_dim + self.latent_dim * (self.latent_dim - 1) // 2

    def split(self, projected: tf.Tensor) -> dict[str, tf.Tensor]:
        """Split into `mean`, of shape (batch, latent_dim), and `scale_tril`, (batch, latent_dim, latent_dim)."""
        size = self.latent_dim
        mean, log_var, below = tf.split(projected, [size, size, self.parameter_size - 2 * size], axis=-1)
        diagonal = tf.exp(0.5 * bounded(log_var, *self.log_var_range))
        if size == 1:
            return {"mean": mean, "scale_tril": diagonal[..., None]}
        strictly_lower = tf.pad(tfp.math.fill_triangular(below), [[0, 0], [1, 0], [0, 1]])
        # A sum: the gradient of `tf.linalg.set_diag` does not compile under XLA where the batch may be short.
        return {"mean": mean, "scale_tril": strictly_lower + tf.linalg.diag(diagonal)}

    def distribution(self, parameters: dict[str, tf.Tensor]) -> tfp.distributions.Distribution:
        """Build the Gaussian from `mean` and `scale_tril`."""
        return tfp.distributions.MultivariateNormalTriL(parameters["mean"], parameters["scale_tril"])

    def sample(self, parameters: dict[str, tf.Tensor], num_samples: int, seed: tf.Tensor) -> tf.Tensor:
        """Draw z = mean + L eps."""
        mean = parameters["mean"]
        shape = tf.concat([[num_samples], tf.shape(mean)], axis=0)
        eps = standard_normal(shape, fold_in(as_seed(seed), replica_id()), mean.dtype)
        return mean + tf.linalg.matvec(parameters["scale_tril"], eps)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "log_var_range": self.log_var_range}
