"""Gated layers, dense and convolutional."""

from collections.abc import Callable
from typing import Any, Literal

import keras
import tensorflow as tf

from keras_vae.core import as_initializer, check_choice, check_integer, fresh, register


class Gated(keras.layers.Layer):
    """activation(h(x)) * sigmoid(g(x)), where h and g are two layers of one kind (Dauphin et al. 2017, section 2).

    Subclasses call `_make_branches` at the end of `__init__`.
    """

    def __init__(
        self,
        *,
        activation: str | Callable[..., Any] | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Callable[..., Any] = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.activation = keras.activations.get(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = as_initializer(kernel_initializer)

    def _make_branches(self, layer_class, *args, **kwargs):
        """Make h and g, each with weights of its own."""

        def branch(name, activation):
            return layer_class(
                *args,
                **kwargs,
                activation=activation,
                use_bias=self.use_bias,
                kernel_initializer=fresh(self.kernel_initializer),
                dtype=self.dtype_policy,
                name=name,
            )

        self.value, self.gate = branch("value", self.activation), branch("gate", "sigmoid")

    def build(self, input_shape):
        """Build h and g."""
        self.value.build(input_shape)
        self.gate.build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Compute activation(h(x)) * sigmoid(g(x)).

        Parameters
        ----------
        inputs : tf.Tensor
            Shape (batch, ...).

        Returns
        -------
        tf.Tensor
            Shape (batch, ...).
        """
        return self.value(inputs) * self.gate(inputs)

    def compute_output_shape(self, input_shape):
        """Return the shape of h(x)."""
        return self.value.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@register
class GatedDense(Gated):
    """activation(W x + b) * sigmoid(V x + c): the gated linear unit (Dauphin et al. 2017, eq. 1).

    Parameters
    ----------
    units : int
        The number of outputs, at least 1.
    activation : str or callable, optional
        The activation of W x + b; none by default.
    use_bias : bool
        Whether there are b and c.
    kernel_initializer : str or keras.initializers.Initializer
        How W and V begin.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If `units` < 1.

    Examples
    --------
    >>> GatedDense(300)(tf.zeros([8, 784])).shape
    TensorShape([8, 300])
    """

    def __init__(
        self,
        units: int,
        *,
        activation: str | Callable[..., Any] | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Callable[..., Any] = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer, **kwargs)
        self.units = check_integer("units", units, minimum=1)
        self._make_branches(keras.layers.Dense, self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@register
class GatedConv2D(Gated):
    """activation(W * x + b) * sigmoid(V * x + c), where W * x is a convolution (Dauphin et al. 2017, eq. 1).

    Parameters
    ----------
    filters : int
        Channels of the output, at least 1.
    kernel_size : int
        Side of the kernels.
    strides : int
        By how much the image shrinks.
    padding : {"valid", "same"}
        As in `keras.layers.Conv2D`.
    activation : str or callable, optional
        The activation of W * x + b; none by default.
    use_bias : bool
        Whether there are b and c.
    kernel_initializer : str or keras.initializers.Initializer
        How W and V begin.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> GatedConv2D(32, 3, strides=2, padding="same")(tf.zeros([8, 28, 28, 1])).shape
    TensorShape([8, 14, 14, 32])
    """

    convolution = keras.layers.Conv2D
    """The kind of layer that h and g are."""

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        *,
        strides: int = 1,
        padding: Literal["valid", "same"] = "valid",
        activation: str | Callable[..., Any] | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Callable[..., Any] = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer, **kwargs)
        self.filters = check_integer("filters", filters, minimum=1)
        self.kernel_size = check_integer("kernel_size", kernel_size, minimum=1)
        self.strides = check_integer("strides", strides, minimum=1)
        self.padding = check_choice("padding", padding, ("valid", "same"))
        self._make_branches(
            self.convolution, self.filters, self.kernel_size, strides=self.strides, padding=self.padding
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
        }


@register
class GatedConv2DTranspose(GatedConv2D):
    """A `GatedConv2D` of transposed convolutions, which enlarge the image instead of shrinking it.

    Parameters
    ----------
    filters : int
        Channels of the output, at least 1.
    kernel_size : int
        Side of the kernels.
    strides : int
        By how much the image grows.
    padding : {"valid", "same"}
        As in `keras.layers.Conv2DTranspose`.
    activation : str or callable, optional
        The activation of W * x + b; none by default.
    use_bias : bool
        Whether there are b and c.
    kernel_initializer : str or keras.initializers.Initializer
        How W and V begin.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> GatedConv2DTranspose(32, 3, strides=2, padding="same")(tf.zeros([8, 14, 14, 64])).shape
    TensorShape([8, 28, 28, 32])
    """

    convolution = keras.layers.Conv2DTranspose
    """The kind of layer that h and g are."""
