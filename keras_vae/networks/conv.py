"""Convolutional trunks: strided convolutions on images, and transposed ones from latent variables to images."""

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

import keras
import numpy as np

from keras_vae.core import check_integer, check_shape, fresh, register
from keras_vae.layers import GatedConv2D, GatedConv2DTranspose
from keras_vae.networks.trunk import Activation, Initializer, Trunk, shapes_of

_GATED = {keras.layers.Conv2D: GatedConv2D, keras.layers.Conv2DTranspose: GatedConv2DTranspose}


class ConvOptions(TypedDict, total=False):
    """What both trunks take besides their own arguments; the last ones are Keras's."""

    kernel_size: int
    strides: int
    activation: Activation
    batch_normalization: bool
    gated: bool
    kernel_initializer: Initializer
    name: str | None
    dtype: Any
    trainable: bool
    autocast: bool
    activity_regularizer: Any


class Conv(Trunk):
    """The arguments of a convolutional trunk, and one convolution with what follows it."""

    def __init__(
        self,
        filters: Sequence[int],
        *,
        kernel_size: int = 3,
        strides: int = 2,
        activation: Activation = "auto",
        batch_normalization: bool = False,
        gated: bool = False,
        kernel_initializer: Initializer = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
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

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "batch_normalization": self.batch_normalization,
        }


@register
class ConvEncoder(Conv):
    """Strided convolutions from images of any size and number of channels to a small map of features.

    It gets images, alone or in a list. In a list all are concatenated as channels: other images (a condition) are
    resized to the first one's size, and vectors (a code, a condition) are spread over it.

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

    def __init__(self, filters: Sequence[int] = (32, 64), **kwargs: Unpack[ConvOptions]) -> None:
        super().__init__(filters, **kwargs)
        for channels in self.filters:
            self.chain.extend(self._convolution(keras.layers.Conv2D, channels))

    def build(self, input_shape):
        """Build the convolutions."""
        shapes = shapes_of(input_shape)
        if len(shapes[0]) != 4 or any(len(shape) not in (2, 4) for shape in shapes):
            raise ValueError(
                "`ConvEncoder` must get images of shape (batch, height, width, channels), and beside them images or "
                "vectors; for vectors and sequences use `MLPEncoder`. "
                f"Received: shape {' and '.join(map(str, shapes))}"
            )
        super().build(input_shape)

    def _joined(self, tensors):
        """Bring all to the first image's size, vectors by spreading them, and concatenate the channels."""
        place = keras.ops.zeros_like(tensors[0][..., :1])  # (batch, height, width, 1)
        size = tensors[0].shape[1:3]
        maps = [_resized(x, size) if len(x.shape) == 4 else place + x[:, None, None, :] for x in tensors]
        return keras.ops.concatenate(maps, axis=-1)

    def _joined_shape(self, shapes):
        return (*shapes[0][:3], sum(shape[-1] for shape in shapes))


@register
class ConvDecoder(Conv):
    """A dense layer and transposed convolutions from latent vectors to maps of features of the image's size.

    The sizes on the way are those of a `ConvEncoder` of as many layers, backwards: each transposed convolution
    multiplies by `strides` and is cropped where the size is not a multiple, so that any image size comes out exactly.
    Several inputs, `[z_1, ..., z_L, condition]`, are flattened and concatenated, except for images after the first
    input: they are resized to each map on the way and appended to it as channels, to the last one as well.

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

    _filled_in = ("event_shape",)

    def __init__(
        self,
        filters: Sequence[int] = (64, 32),
        *,
        event_shape: Sequence[int] | None = None,
        **kwargs: Unpack[ConvOptions],
    ) -> None:
        super().__init__(filters, **kwargs)
        self.event_shape = None if event_shape is None else _image_shape(event_shape)

    def resolve_event_shape(self, event_shape: Sequence[int]) -> None:
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

    def _parted(self, inputs):
        """Part what is flattened, the first input and vectors, from images."""
        kinds = [number > 0 and len(_shape(part)) == 4 for number, part in enumerate(inputs)]
        return tuple(
            [part for part, kind in zip(inputs, kinds, strict=True) if kind is wanted] for wanted in (False, True)
        )

    def _run(self, x, images, run):
        """Go through the chain; images are appended before each convolution and at the end."""
        for layer in self.chain:
            if isinstance(layer, (keras.layers.Conv2DTranspose, GatedConv2DTranspose)):
                x = _appended(x, images)
            x = run(layer, x)
        return _appended(x, images)

    def compute_output_shape(self, input_shape):
        """Return the shape of the features: the image's, with the last convolution's channels and other images'."""
        shapes, images = self._parted(shapes_of(input_shape))
        return _appended((shapes[0][0], *self._resolved()[:2], self.filters[-1]), images)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer, the resolved event shape among them."""
        return {**super().get_config(), "event_shape": self.event_shape}

    def _resolved(self):
        if self.event_shape is None:
            raise ValueError(
                "`event_shape` must be known before a `ConvDecoder` is built: put it into a model, or pass it. "
                "Received: event_shape=None"
            )
        return self.event_shape


def _shape(x):
    return tuple(x) if isinstance(x, (tuple, list)) else tuple(x.shape)


def _appended(x, images):
    """Append images, resized to x, as channels; of shapes return the shape."""
    if not images:
        return x
    if isinstance(x, (tuple, list)):
        return (*x[:-1], x[-1] + sum(image[-1] for image in images))
    return keras.ops.concatenate([x, *(_resized(image, x.shape[1:3]) for image in images)], axis=-1)


def _resized(image, size):
    """Average an image over equal areas, or spread its pixels; products of matrices run under XLA and everywhere."""
    channels = image.shape[-1]
    if tuple(image.shape[1:3]) == tuple(size):
        return image
    rows, columns = (
        keras.ops.convert_to_tensor(_shares(old, new), image.dtype)
        for old, new in zip(image.shape[1:3], size, strict=True)
    )
    image = keras.ops.matmul(rows, keras.ops.reshape(image, (-1, image.shape[1], image.shape[2] * channels)))
    return keras.ops.matmul(columns, keras.ops.reshape(image, (-1, size[0], image.shape[-1] // channels, channels)))


def _shares(old, new):
    """Return what share each of `old` pixels has in each of `new` ones along a line, of shape (new, old)."""
    edges, pixels = np.linspace(0.0, old, new + 1), np.arange(old)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.maximum(overlap, 0.0) * (new / old)


def _image_shape(event_shape):
    event_shape = check_shape("event_shape", event_shape)
    if len(event_shape) != 3:
        raise ValueError(
            "`ConvDecoder` must decode to images (height, width, channels); for vectors and sequences use "
            f"`MLPDecoder`. Received: event_shape={event_shape}"
        )
    return event_shape
