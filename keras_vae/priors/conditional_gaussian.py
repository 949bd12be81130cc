"""The prior of a lower level in a hierarchy."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import (
    Normal,
    as_initializer,
    bounded,
    check_instance,
    check_range,
    deserialize,
    register,
    serialize,
)
from keras_vae.priors.prior import Prior


@register
class ConditionalGaussian(Prior):
    """p(z|c) = N(mean(c), diag(exp(log_var(c)))).

    c is the latent variable above (Sønderby et al. 2016, eq. 2), the model's condition (Sohn et al. 2015, section 4.1),
    or the list of both.

    Parameters
    ----------
    trunk : keras.layers.Layer or keras.Model
        From c, of shape (batch, size), or from the list `[z_above, condition]`, to features.
    log_var_range : pair of float
        log_var is clipped to it; its gradient is that of `keras_vae.core.bounded`.
    kernel_initializer : str or keras.initializers.Initializer
        How the projection's weights begin.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    TypeError
        If `trunk` is not a Keras layer.
    ValueError
        If `log_var_range` is not a range, or a distribution is asked for without a condition.
    """

    is_conditional = True

    def __init__(
        self,
        trunk: keras.layers.Layer,
        *,
        log_var_range: Sequence[float] = (-20.0, 10.0),
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.trunk = check_instance("trunk", trunk, keras.layers.Layer, "a Keras layer or model")
        self.log_var_range = check_range("log_var_range", log_var_range)
        self.kernel_initializer = as_initializer(kernel_initializer)

    def build(self, z_shape: Sequence[Any], condition_shape: Sequence[Any]) -> None:
        """Build trunk and projection for z of shape (..., latent_dim) and conditions, one shape or a list of shapes."""
        self.latent_dim = int(z_shape[-1])
        is_list = isinstance(condition_shape[0], (list, tuple))
        self._sizes = [tuple(shape[1:]) for shape in (condition_shape if is_list else [condition_shape])]
        inputs = [keras.KerasTensor((None, *sizes), dtype=self.variable_dtype) for sizes in self._sizes]
        features = self.trunk(inputs if is_list else inputs[0])
        self.projection = keras.layers.Dense(
            2 * self.latent_dim,
            kernel_initializer=self.kernel_initializer,
            dtype=self.variable_dtype,
            name="projection",
        )
        self.projection.trainable = self.trainable
        self.projection.build(features.shape)

    def distribution(
        self,
        posterior_of: Callable[[Any], Any] | None = None,
        condition: tf.Tensor | list[tf.Tensor] | None = None,
        training: bool = False,
    ) -> tfp.distributions.Distribution:
        """Build p(z|c) for a condition of shape (..., *sizes), or a list; its leading axes are the batch shape."""
        if condition is None:
            raise ValueError("`condition` must be given to `ConditionalGaussian`. Received: condition=None")
        parts = condition if isinstance(condition, (list, tuple)) else [condition]
        leading = tf.shape(parts[0])[: len(parts[0].shape) - len(self._sizes[0])]
        folded = [tf.reshape(part, [-1, *sizes]) for part, sizes in zip(parts, self._sizes, strict=True)]
        features = self.trunk(folded if isinstance(condition, (list, tuple)) else folded[0], training=training)
        shape = tf.concat([leading, [2 * self.event_shape()[0]]], axis=0)
        mean, log_var = tf.split(tf.reshape(self.projection(features), shape), 2, axis=-1)
        scale = tf.exp(0.5 * bounded(log_var, *self.log_var_range))
        return tfp.distributions.Independent(Normal(mean, scale), 1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "trunk": serialize(self.trunk),
            "log_var_range": self.log_var_range,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild the layer and its trunk."""
        return cls(**{**config, "trunk": deserialize(config["trunk"])})
