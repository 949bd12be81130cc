"""Strided convolutions on images."""

import keras

from keras_vae.core import register
from keras_vae.networks.conv import Conv


@register
class ConvEncoder(Conv):
    """Strided convolutions from images of any size and number of channels to a small map of features.

    Parameters
    ----------
    filters : sequence of int
        Channels of each convolution; each divides height and width by `strides`, rounding up.
    kernel_size : int
        Side of the kernels.
    strides : int
        By how much each convolution shrinks the image.
    activation : str or callable, optional
        The activation of each layer; "auto" is ReLU, and none where layers are gated.
    batch_normalization : bool
        Whether each convolution is followed by batch normalisation, before its activation; not where layers are gated.
    gated : bool
        Whether layers are gated: `keras_vae.layers.GatedConv2D`.
    kernel_initializer : str or keras.initializers.Initializer
        How the weights begin.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range, gates meet batch normalisation, or the input is not a batch of images.

    Examples
    --------
    >>> ConvEncoder((32, 64))(tf.zeros([8, 29, 31, 3])).shape
    TensorShape([8, 8, 8, 64])
    """

    def __init__(self, filters=(32, 64), **kwargs):
        super().__init__(filters, **kwargs)
        for channels in self.filters:
            self.chain.extend(self._convolution(keras.layers.Conv2D, channels))

    def build(self, input_shape):
        """Build the convolutions."""
        if len(input_shape) != 4:
            raise ValueError(
                "`ConvEncoder` must get images of shape (batch, height, width, channels); for vectors and sequences "
                f"take `MLPEncoder`. Received: shape {tuple(input_shape)}"
            )
        super().build(input_shape)
