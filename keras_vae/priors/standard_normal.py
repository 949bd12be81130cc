"""The standard Gaussian prior."""

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

    def distribution(self, posterior_of=None, condition=None, training=False):
        """Build N(0, I); it depends on no argument."""
        zeros = tf.zeros(self.event_shape(), self.variable_dtype)
        return tfp.distributions.Independent(Normal(zeros, tf.ones_like(zeros)), 1)
