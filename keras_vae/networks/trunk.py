"""What all our trunks share: layers made in the constructor, built one after the other, called one after the other."""

import keras

from keras_vae.core import fresh
from keras_vae.layers import GatedDense


class Trunk(keras.layers.Layer):
    """A chain of layers. Subclasses fill `self.chain` in `__init__` or in `build`.

    Parameters
    ----------
    activation : str or callable, optional
        The activation of each layer; "auto" is ReLU, and none where layers are gated.
    gated : bool
        Whether layers are gated: a second layer of the same kind, through a sigmoid, multiplies each one's output.
    kernel_initializer : str or keras.initializers.Initializer
        How the weights begin.
    **kwargs
        Passed to `keras.layers.Layer`.
    """

    def __init__(self, *, activation="auto", gated=False, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.gated = bool(gated)
        if activation == "auto":
            activation = None if self.gated else "relu"
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.chain = []

    def _dense(self, units):
        """Return one dense layer, gated if all are."""
        return (GatedDense if self.gated else keras.layers.Dense)(
            units,
            activation=self.activation,
            kernel_initializer=fresh(self.kernel_initializer),
            dtype=self.dtype_policy,
        )

    def build(self, input_shape):
        """Build each layer on the shape that the one before gives."""
        for layer in self.chain:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, inputs, training=False):
        """Run the chain.

        Parameters
        ----------
        inputs : tf.Tensor
            Shape (batch, ...).
        training : bool
            Whether batch normalisation uses, and learns from, the batch's own moments.

        Returns
        -------
        tf.Tensor
            Features of shape (batch, ...).
        """
        x = inputs
        for layer in self.chain:
            x = layer(x)  # Keras hands `training` down
        return x

    def compute_output_shape(self, input_shape):
        """Return the shape of the features."""
        for layer in self.chain:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "activation": keras.activations.serialize(self.activation),
            "gated": self.gated,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
