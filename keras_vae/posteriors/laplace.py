"""The factorized Laplace posterior."""

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import as_seed, bounded, check_range, fold_in, register, replica_id, uniform_rows
from keras_vae.posteriors.posterior import Posterior


@register
class Laplace(Posterior):
    """q(z|x) = prod_j exp(-|z_j - mean_j| / scale_j) / (2 scale_j): sharper at the mean and heavier in the tails.

    Samples are reparameterized by the inverse of the distribution function (Kingma & Welling 2014, section 2.4):
    z = mean + scale eps, eps = -sign(u - 1/2) log(1 - 2 |u - 1/2|) with u uniform on (0, 1). The standard deviation is
    sqrt(2) scale. The KL divergence to a factorized Gaussian or Laplace prior has a closed form.

    Parameters
    ----------
    latent_dim : int
        The number of latent dimensions, at least 1.
    log_scale_range : pair of float
        log_scale is clipped to it, so that neither scale nor density becomes infinite; its gradient is that of
        `keras_vae.core.bounded`, which leads back into the range. The default is scales from 4.5e-5 to 148.
    **kwargs
        Passed to `Posterior` (`kernel_initializer`) and `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If `latent_dim` < 1 or `log_scale_range` is not a range.
    """

    def __init__(self, latent_dim: int, *, log_scale_range: Sequence[float] = (-10.0, 5.0), **kwargs: Any):
        super().__init__(latent_dim, **kwargs)
        self.log_scale_range = check_range("log_scale_range", log_scale_range)

    @property
    def parameter_size(self) -> int:
        """The number of values that the projection gives for each example."""
        return 2 * self.latent_dim

    def split(self, projected: tf.Tensor) -> dict[str, tf.Tensor]:
        """Split into `mean` and `log_scale`, each of shape (batch, latent_dim)."""
        mean, log_scale = tf.split(projected, 2, axis=-1)
        return {"mean": mean, "log_scale": bounded(log_scale, *self.log_scale_range)}

    def distribution(self, parameters: dict[str, tf.Tensor]) -> tfp.distributions.Distribution:
        """Build the Laplace distribution from `mean` and `log_scale`."""
        laplace = LaplaceDistribution(parameters["mean"], tf.exp(parameters["log_scale"]))
        return tfp.distributions.Independent(laplace, 1)

    def sample(self, parameters: dict[str, tf.Tensor], num_samples: int, seed: tf.Tensor) -> tf.Tensor:
        """Draw z = mean + scale eps."""
        mean = parameters["mean"]  # (batch, latent), below the top of a hierarchy (samples above, batch, latent)
        u = _uniform(num_samples, tf.shape(mean), fold_in(as_seed(seed), replica_id()))
        # The logarithm of the smaller tail, in float64: single precision would end the tails at 16 scales.
        eps = tf.sign(0.5 - u) * tf.math.log(2.0 * tf.minimum(u, 1.0 - u))
        return mean + tf.exp(parameters["log_scale"]) * tf.cast(eps, mean.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "log_scale_range": self.log_scale_range}


class LaplaceDistribution(tfp.distributions.Laplace):
    """TFP's, for a location and a scale of one shape: its moments need no broadcasting, which ONNX does not have."""

    def _mean(self):
        return tf.identity(self.loc)

    def _stddev(self):
        return math.sqrt(2.0) * self.scale


def _uniform(num_samples, shape, seed):
    """Draw float64 numbers of shape (num_samples, ..., batch, size) on (0, 1), by one seed or by one for each row."""
    shape = tf.concat([[num_samples], shape], axis=0)
    if seed.shape.rank == 1:
        u = tf.random.stateless_uniform(shape, seed, dtype=tf.float64)
        return u + math.ldexp(1.0, -53)  # from [0, 1), in steps of 2^-52
    of_one_row = tf.concat([shape[:-2], [1], shape[-1:]], axis=0)
    counts = tf.reshape(tf.range(tf.reduce_prod(of_one_row)), of_one_row)
    return tf.reshape(uniform_rows(seed, counts), shape)
