"""What all our trunks share: layers made in the constructor, built one after the other, called one after the other."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_vae.core import Settled, as_initializer, fresh
from keras_vae.layers import GatedDense

Activation = str | Callable[..., Any] | None
Initializer = str | Callable[..., Any]


def shapes_of(input_shape):
    """Return the shapes of one tensor or of several as a list."""
    several = isinstance(input_shape[0], (tuple, list))
    return [tuple(shape) for shape in (input_shape if several else [input_shape])]


class Trunk(Settled, keras.layers.Layer):
    """A chain of layers, made by a subclass in `__init__` or in `build`; several inputs are flattened and joined."""

    def __init__(
        self,
        *,
        activation: Activation = "auto",
        gated: bool = False,
        kernel_initializer: Initializer = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.gated = bool(gated)
        if activation == "auto":
            activation = None if self.gated else "relu"
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = as_initializer(kernel_initializer)
        self.chain: list[Any] = []

    def _dense(self, units):
        """Return one dense layer, gated if all are."""
        return (GatedDense if self.gated else keras.layers.Dense)(
            units,
            activation=self.activation,
            kernel_initializer=fresh(self.kernel_initializer),
            dtype=self.dtype_policy,
        )

    def _joined(self, tensors):
        """Make one tensor of several, each of shape (batch, ...)."""
        return keras.ops.concatenate([keras.ops.reshape(x, (-1, math.prod(x.shape[1:]))) for x in tensors], axis=-1)

    def _joined_shape(self, shapes):
        """Return the shape of what `_joined` returns."""
        return (shapes[0][0], sum(math.prod(shape[1:]) for shape in shapes))

    def _parted(self, inputs):
        """Part tensors, or their shapes, into those that are joined before the chain and those that join on the way."""
        return inputs, []

    def _run(self, x, others, run):
        """Go through the chain with a tensor or its shape; `run` takes a layer and what comes to it."""
        for layer in self.chain:
            x = run(layer, x)
        return x

    def _run_shapes(self, input_shape, run):
        shapes, others = self._parted(shapes_of(input_shape))
        return self._run(shapes[0] if len(shapes) == 1 else self._joined_shape(shapes), others, run)

    def build(self, input_shape):
        """Build each layer on the shape that the one before gives."""

        def build(layer, shape):
            layer.trainable = layer.trainable and self.trainable  # some are made when the trunk is frozen already
            layer.build(shape)
            return layer.compute_output_shape(shape)

        self._run_shapes(input_shape, build)

    def call(self, inputs: tf.Tensor | Sequence[tf.Tensor], training: bool = False) -> tf.Tensor:
        """Run the chain.

        Parameters
        ----------
        inputs : tf.Tensor or sequence of tf.Tensor
            Shape (batch, ...); several are joined first.
        training : bool
            Whether batch normalisation uses, and learns from, the batch's own moments.

        Returns
        -------
        tf.Tensor
            Features of shape (batch, ...).
        """
        tensors = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
        if len(tensors) > 1:
            tensors = [keras.ops.cast(x, self.compute_dtype) for x in tensors]
        tensors, others = self._parted(tensors)
        x = tensors[0] if len(tensors) == 1 else self._joined(tensors)
        return self._run(x, others, lambda layer, x: layer(x))  # Keras hands `training` down

    def compute_output_shape(self, input_shape):
        """Return the shape of the features."""
        return self._run_shapes(input_shape, lambda layer, shape: layer.compute_output_shape(shape))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "activation": keras.activations.serialize(self.activation),
            "gated": self.gated,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
