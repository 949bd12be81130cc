"""What the convolutional encoder and decoder share: their arguments and one convolution with its trimmings."""

import keras

from keras_vae.core import check_integer, check_shape
from keras_vae.networks.trunk import Trunk, fresh


class Conv(Trunk):
    """Arguments of a convolutional trunk.

    Parameters
    ----------
    filters : sequence of int
        Channels of each convolution.
    kernel_size : int
        Side of the kernels.
    strides : int
        By how much each convolution shrinks or enlarges the image.
    activation : str or callable
        The activation after each convolution.
    batch_normalization : bool
        Whether each convolution is followed by batch normalisation, before its activation.
    kernel_initializer : str or keras.initializers.Initializer
        How the weights begin.
    **kwargs
        Passed to `keras.layers.Layer`.
    """

    def __init__(
        self,
        filters,
        *,
        kernel_size=3,
        strides=2,
        activation="relu",
        batch_normalization=False,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = check_shape("filters", filters, expected="a tuple of positive integers, such as (32, 64)")
        self.kernel_size = check_integer("kernel_size", kernel_size, minimum=1)
        self.strides = check_integer("strides", strides, minimum=1)
        self.activation = keras.activations.get(activation)
        self.batch_normalization = bool(batch_normalization)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def _convolution(self, layer_class, filters):
        """Return one convolution and what follows it, as a list of layers."""
        convolution = layer_class(
            filters,
            self.kernel_size,
            strides=self.strides,
            padding="same",
            use_bias=not self.batch_normalization,
            kernel_initializer=fresh(self.kernel_initializer),
            dtype=self.dtype_policy,
        )
        activation = keras.layers.Activation(self.activation, dtype=self.dtype_policy)
        if self.batch_normalization:
            return [convolution, keras.layers.BatchNormalization(dtype=self.dtype_policy), activation]
        return [convolution, activation]

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "activation": keras.activations.serialize(self.activation),
            "batch_normalization": self.batch_normalization,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
