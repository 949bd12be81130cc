"""The prior of a lower level in a hierarchy."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import Normal, bounded, check_instance, check_range, deserialize, register, serialize
from keras_vae.priors.prior import Prior


@register
class ConditionalGaussian(Prior):
    """p(z|c) = N(mean(c), diag(exp(log_var(c)))), where c is the latent variable above (Sønderby et al. 2016, eq. 2).

    Parameters
    ----------
    trunk : keras.layers.Layer or keras.Model
        From the condition, of shape (batch, condition_dim), to features.
    log_var_range : pair of float
        log_var is clipped to it; its gradient is that of `keras_vae.core.bounded`.
    kernel_initializer : str or keras.initializers.Initializer
        How the projection's weights begin.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    TypeError
        If `trunk` is no Keras layer.
    ValueError
        If `log_var_range` is no range, or a distribution is asked for without a condition.
    """

    def __init__(self, trunk, *, log_var_range=(-20.0, 10.0), kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.trunk = check_instance("trunk", trunk, keras.layers.Layer, "a Keras layer or model")
        self.log_var_range = check_range("log_var_range", log_var_range)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, z_shape, condition_shape):
        """Build trunk and projection for z of shape (..., latent_dim) and a condition of shape (batch, size)."""
        self.latent_dim = int(z_shape[-1])
        self.condition_dim = int(condition_shape[-1])
        features = self.trunk(keras.KerasTensor((None, self.condition_dim), dtype=self.variable_dtype))
        self.projection = keras.layers.Dense(
            2 * self.latent_dim,
            kernel_initializer=self.kernel_initializer,
            dtype=self.variable_dtype,
            name="projection",
        )
        self.projection.build(features.shape)

    def distribution(self, posterior_of=None, condition=None):
        """Build p(z|c) for a condition of shape (..., condition_dim); its leading axes are the batch shape."""
        if condition is None:
            raise ValueError("`condition` must be given to `ConditionalGaussian`. Received: condition=None")
        features = self.trunk(tf.reshape(condition, [-1, self.condition_dim]))
        shape = tf.concat([tf.shape(condition)[:-1], [2 * self.latent_dim]], axis=0)
        mean, log_var = tf.split(tf.reshape(self.projection(features), shape), 2, axis=-1)
        scale = tf.exp(0.5 * bounded(log_var, *self.log_var_range))
        return tfp.distributions.Independent(Normal(mean, scale), 1)

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "trunk": serialize(self.trunk),
            "log_var_range": self.log_var_range,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }

    @classmethod
    def from_config(cls, config):
        """Rebuild the layer and its trunk."""
        return cls(**{**config, "trunk": deserialize(config["trunk"])})
