"""The gated transposed convolution."""

import keras

from keras_vae.core import register
from keras_vae.layers.gated_conv2d import GatedConv2D


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
