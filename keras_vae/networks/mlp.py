"""The perceptron behind encoder and decoder."""

import keras

from keras_vae.core import check_shape
from keras_vae.networks.trunk import Trunk, fresh


class MLP(Trunk):
    """Flatten, then dense layers.

    Parameters
    ----------
    units : sequence of int
        The width of each layer.
    activation : str or callable
        The activation after each layer.
    kernel_initializer : str or keras.initializers.Initializer
        How the weights begin.
    **kwargs
        Passed to `keras.layers.Layer`.
    """

    def __init__(self, units=(500, 500), *, activation="relu", kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.units = check_shape("units", units, expected="a tuple of positive integers, such as (500, 500)")
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.chain = [keras.layers.Flatten(dtype=self.dtype_policy)]
        for width in self.units:
            initializer = fresh(self.kernel_initializer)
            self.chain.append(
                keras.layers.Dense(
                    width, activation=self.activation, kernel_initializer=initializer, dtype=self.dtype_policy
                )
            )

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
