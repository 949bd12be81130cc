"""The factorized Gaussian posterior."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import Normal, bounded, check_range, register
from keras_vae.layers import Sampling
from keras_vae.posteriors.posterior import Posterior


@register
class DiagonalGaussian(Posterior):
    """q(z|x) = N(mean, diag(exp(log_var))), drawn by the reparameterization trick (Kingma & Welling 2014, appendix C).

    Parameters
    ----------
    latent_dim : int
        The number of latent dimensions, at least 1.
    log_var_range : pair of float
        log_var is clipped to it, so that the variance becomes neither infinite nor zero; its gradient is that of
        `keras_vae.core.bounded`, which leads back into the range. The default, standard deviations from 4.5e-5 to 148,
        is far outside of what training reaches; the published Fashion-MNIST protocol takes (-6, 2).
    **kwargs
        Passed to `Posterior` (`kernel_initializer`) and `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If `latent_dim` < 1 or `log_var_range` is not a range.
    """

    def __init__(self, latent_dim: int, *, log_var_range: Sequence[float] = (-20.0, 10.0), **kwargs: Any):
        super().__init__(latent_dim, **kwargs)
        self.log_var_range = check_range("log_var_range", log_var_range)
        self.sampling = Sampling(dtype=self.variable_dtype, name="sampling")

    @property
    def parameter_size(self) -> int:
        """The number of values that the projection gives for each example."""
        return 2 * self.latent_dim

    def split(self, projected: tf.Tensor) -> dict[str, tf.Tensor]:
        """Split into `mean` and `log_var`, each of shape (batch, latent_dim)."""
        mean, log_var = tf.split(projected, 2, axis=-1)
        return {"mean": mean, "log_var": bounded(log_var, *self.log_var_range)}

    def distribution(self, parameters: dict[str, tf.Tensor]) -> tfp.distributions.Distribution:
        """Build the Gaussian from `mean` and `log_var`."""
        scale = tf.exp(0.5 * parameters["log_var"])
        return tfp.distributions.Independent(Normal(parameters["mean"], scale), 1)

    def sample(self, parameters: dict[str, tf.Tensor], num_samples: int, seed: tf.Tensor) -> tf.Tensor:
        """Draw through the layer `Sampling`."""
        return self.sampling([parameters["mean"], parameters["log_var"]], num_samples=num_samples, seed=seed)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "log_var_range": self.log_var_range}
