"""What all our trunks share: layers made in the constructor, built one after the other, called one after the other."""

import keras


def fresh(initializer):
    """Copy an initializer: one instance gives every weight of a shape the same values.

    Parameters
    ----------
    initializer : keras.initializers.Initializer or callable
        What shall be copied; a plain function is handed back.

    Returns
    -------
    keras.initializers.Initializer or callable
    """
    return initializer.clone() if hasattr(initializer, "clone") else initializer


class Trunk(keras.layers.Layer):
    """A chain of layers. Subclasses fill `self.chain` in `__init__` or in `build`.

    Parameters
    ----------
    **kwargs
        Passed to `keras.layers.Layer`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.chain = []

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
