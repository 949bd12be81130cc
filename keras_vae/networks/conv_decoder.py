"""Transposed convolutions from a latent vector."""

import keras

from keras_vae.core import check_shape, register
from keras_vae.networks.conv import Conv


@register
class ConvDecoder(Conv):
    """A dense layer and transposed convolutions from latent vectors to maps of features of the image's size.

    The sizes on the way are those of a `ConvEncoder` of as many layers, backwards: each transposed convolution
    multiplies by `strides` and is cropped where the size is not a multiple, so that any image size comes out exactly.

    Parameters
    ----------
    filters : sequence of int
        Channels of each transposed convolution; the first is also the number of channels of the dense layer's map.
    event_shape : tuple of int, optional
        (height, width, channels) of the images. A model fills it in from its likelihood.
    kernel_size : int
        Side of the kernels.
    strides : int
        By how much each convolution enlarges the map.
    activation : str or callable, optional
        The activation of each layer; "auto" is ReLU, and none where layers are gated.
    batch_normalization : bool
        Whether each convolution is followed by batch normalisation, before its activation; not where layers are gated.
    gated : bool
        Whether layers are gated: `keras_vae.layers.GatedDense` and `keras_vae.layers.GatedConv2DTranspose`.
    kernel_initializer : str or keras.initializers.Initializer
        How the weights begin.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range, gates meet batch normalisation, or `event_shape` is unknown or conflicts with
        the likelihood's.

    Examples
    --------
    >>> ConvDecoder((64, 32), event_shape=(29, 31, 3))(tf.zeros([8, 16])).shape
    TensorShape([8, 29, 31, 32])
    """

    def __init__(self, filters=(64, 32), *, event_shape=None, **kwargs):
        super().__init__(filters, **kwargs)
        self.event_shape = None if event_shape is None else _image_shape(event_shape)

    def resolve_event_shape(self, event_shape):
        """Take the event shape from the likelihood; called by the model around the decoder.

        Parameters
        ----------
        event_shape : tuple of int
            The likelihood's event shape.

        Raises
        ------
        ValueError
            If it is not an image's, or the decoder was given another one.
        """
        event_shape = _image_shape(event_shape)
        if self.event_shape is not None and self.event_shape != event_shape:
            raise ValueError(
                f"`ConvDecoder(event_shape=...)` must agree with the likelihood's event_shape={event_shape}. "
                f"Received: event_shape={self.event_shape}"
            )
        self.event_shape = event_shape

    def build(self, input_shape):
        """Make and build the layers: their sizes follow from the event shape."""
        sizes = [self._resolved()[:2]]
        for _ in self.filters:
            sizes.insert(0, tuple(-(-size // self.strides) for size in sizes[0]))
        policy = self.dtype_policy
        height, width = sizes[0]
        self.chain = [
            keras.layers.Flatten(dtype=policy),
            self._dense(height * width * self.filters[0]),
            keras.layers.Reshape((height, width, self.filters[0]), dtype=policy),
        ]
        for channels, small, large in zip(self.filters, sizes[:-1], sizes[1:], strict=True):
            self.chain.extend(self._convolution(keras.layers.Conv2DTranspose, channels))
            surplus = tuple((0, low * self.strides - high) for low, high in zip(small, large, strict=True))
            if any(after for _, after in surplus):
                self.chain.append(keras.layers.Cropping2D(surplus, dtype=policy))
        super().build(input_shape)

    def compute_output_shape(self, input_shape):
        """Return the shape of the features: the image's, with the last convolution's channels."""
        return (input_shape[0], *self._resolved()[:2], self.filters[-1])

    def get_config(self):
        """Return the arguments that rebuild the layer, the resolved event shape among them."""
        return {**super().get_config(), "event_shape": self.event_shape}

    def _resolved(self):
        if self.event_shape is None:
            raise ValueError(
                "`event_shape` must be known before a `ConvDecoder` is built: put it into a model, or pass it. "
                "Received: event_shape=None"
            )
        return self.event_shape


def _image_shape(event_shape):
    event_shape = check_shape("event_shape", event_shape)
    if len(event_shape) != 3:
        raise ValueError(
            "`ConvDecoder` must decode to images (height, width, channels); for vectors and sequences take "
            f"`MLPDecoder`. Received: event_shape={event_shape}"
        )
    return event_shape
