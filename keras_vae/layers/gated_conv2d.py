"""The gated convolution."""

import keras

from keras_vae.core import check_choice, check_integer, register
from keras_vae.layers.gated import Gated


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
        filters,
        kernel_size,
        *,
        strides=1,
        padding="valid",
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer, **kwargs)
        self.filters = check_integer("filters", filters, minimum=1)
        self.kernel_size = check_integer("kernel_size", kernel_size, minimum=1)
        self.strides = check_integer("strides", strides, minimum=1)
        self.padding = check_choice("padding", padding, ("valid", "same"))
        self._make_branches(
            self.convolution, self.filters, self.kernel_size, strides=self.strides, padding=self.padding
        )

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
        }
