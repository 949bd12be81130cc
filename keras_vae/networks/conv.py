"""What the convolutional encoder and decoder share: their arguments and one convolution with its trimmings."""

import keras

from keras_vae.core import check_integer, check_shape, fresh
from keras_vae.layers import GatedConv2D, GatedConv2DTranspose
from keras_vae.networks.trunk import Trunk

_GATED = {keras.layers.Conv2D: GatedConv2D, keras.layers.Conv2DTranspose: GatedConv2DTranspose}


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
    activation : str or callable, optional
        The activation of each layer; "auto" is ReLU, and none where layers are gated.
    batch_normalization : bool
        Whether each convolution is followed by batch normalisation, before its activation; not where layers are gated.
    gated : bool
        Whether layers are gated: see `keras_vae.layers.GatedConv2D`.
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
        activation="auto",
        batch_normalization=False,
        gated=False,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(activation=activation, gated=gated, kernel_initializer=kernel_initializer, **kwargs)
        self.filters = check_shape("filters", filters, expected="a tuple of positive integers, such as (32, 64)")
        self.kernel_size = check_integer("kernel_size", kernel_size, minimum=1)
        self.strides = check_integer("strides", strides, minimum=1)
        self.batch_normalization = bool(batch_normalization)
        if self.batch_normalization and self.gated:
            raise ValueError(
                "`batch_normalization` must be False with gated=True: a gate has no place for it. "
                f"Received: batch_normalization={batch_normalization!r}"
            )

    def _convolution(self, layer_class, filters):
        """Return one convolution and what follows it, as a list of layers."""
        arguments = {
            "filters": filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": "same",
            "kernel_initializer": fresh(self.kernel_initializer),
            "dtype": self.dtype_policy,
        }
        if self.gated:
            return [_GATED[layer_class](activation=self.activation, **arguments)]
        convolution = layer_class(use_bias=not self.batch_normalization, **arguments)
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
            "batch_normalization": self.batch_normalization,
        }
