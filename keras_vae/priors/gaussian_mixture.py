"""The mixture-of-Gaussians prior."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import bounded, check_integer, check_number, check_range, register
from keras_vae.priors.diagonal_gaussian_mixture import DiagonalGaussianMixture
from keras_vae.priors.prior import Prior

tfd = tfp.distributions


@register
class GaussianMixture(Prior):
    """p(z) = sum_k w_k N(z; m_k, diag(exp(v_k))), all learned (Tomczak & Welling 2018, section 2.2).

    There is no closed form for the KL divergence: use `ELBO(kl="monte_carlo")`.

    Parameters
    ----------
    num_components : int
        The number K of Gaussians, at least 1.
    spread : float
        The standard deviation of the means at the beginning, at least 0; all variances begin at 1, all weights are
        equal. Components that begin in one place stay together.
    log_var_range : pair of float
        The log-variances v_k are clipped to it, in the density and in samples; their gradient is that of
        `keras_vae.core.bounded`, which leads back into the range.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> prior = GaussianMixture(10)
    >>> prior.build((None, 2))
    >>> prior.distribution().log_prob(tf.zeros([8, 2])).shape
    TensorShape([8])
    """

    def __init__(
        self, num_components: int, *, spread: float = 1.0, log_var_range: Sequence[float] = (-20.0, 10.0), **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.num_components = check_integer("num_components", num_components, minimum=1)
        self.spread = check_number("spread", spread, minimum=0.0)
        self.log_var_range = check_range("log_var_range", log_var_range)

    def build(self, input_shape: Sequence[Any]) -> None:
        """Make the means, the log-variances and the weights' logits."""
        super().build(input_shape)
        shape = (self.num_components, self.latent_dim)
        settings = {"initializer": "zeros", "autocast": False}  # no half-precision copies under mixed precision
        spread = keras.initializers.RandomNormal(stddev=self.spread)
        self.means = self.add_weight(shape=shape, name="means", **{**settings, "initializer": spread})
        self.log_vars = self.add_weight(shape=shape, name="log_vars", **settings)
        self.logits = self.add_weight(shape=shape[:1], name="logits", **settings)

    def distribution(
        self,
        posterior_of: Callable[[Any], Any] | None = None,
        condition: tf.Tensor | list[tf.Tensor] | None = None,
        training: bool = False,
    ) -> tfp.distributions.Distribution:
        """Build the mixture; it depends on no argument."""
        self.event_shape()
        scale = tf.exp(0.5 * bounded(tf.convert_to_tensor(self.log_vars), *self.log_var_range))
        components = tfd.Independent(tfd.Normal(tf.convert_to_tensor(self.means), scale), 1)
        return DiagonalGaussianMixture(tfd.Categorical(logits=tf.convert_to_tensor(self.logits)), components)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        names = ("num_components", "spread", "log_var_range")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
