"""The standard Gaussian prior."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import Normal, register
from keras_vae.priors.prior import Prior


@register
class StandardNormal(Prior):
    """p(z) = N(0, I) (Kingma & Welling 2014, section 3).

    Parameters
    ----------
    **kwargs
        Passed to `keras.layers.Layer`.
    """

    def distribution(
        self,
        posterior_of: Callable[[Any], Any] | None = None,
        condition: tf.Tensor | list[tf.Tensor] | None = None,
        training: bool = False,
    ) -> tfp.distributions.Distribution:
        """Build N(0, I); it depends on no argument."""
        zeros = tf.zeros(self.event_shape(), self.variable_dtype)
        return tfp.distributions.Independent(Normal(zeros, tf.ones_like(zeros)), 1)
