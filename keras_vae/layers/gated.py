"""What all gated layers share."""

import keras

from keras_vae.core import fresh


class Gated(keras.layers.Layer):
    """activation(h(x)) * sigmoid(g(x)), where h and g are two layers of one kind (Dauphin et al. 2017, section 2).

    Subclasses call `_make_branches` at the end of `__init__`.

    Parameters
    ----------
    activation : str or callable, optional
        The activation of h; none by default, so that h is linear.
    use_bias : bool
        Whether h and g have biases.
    kernel_initializer : str or keras.initializers.Initializer
        How the weights of h and g begin.
    **kwargs
        Passed to `keras.layers.Layer`.
    """

    def __init__(self, *, activation=None, use_bias=True, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.activation = keras.activations.get(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def _make_branches(self, layer_class, *args, **kwargs):
        """Make h and g, each with weights of its own."""

        def branch(name, activation):
            return layer_class(
                *args,
                **kwargs,
                activation=activation,
                use_bias=self.use_bias,
                kernel_initializer=fresh(self.kernel_initializer),
                dtype=self.dtype_policy,
                name=name,
            )

        self.value, self.gate = branch("value", self.activation), branch("gate", "sigmoid")

    def build(self, input_shape):
        """Build h and g."""
        self.value.build(input_shape)
        self.gate.build(input_shape)

    def call(self, inputs):
        """Compute activation(h(x)) * sigmoid(g(x)).

        Parameters
        ----------
        inputs : tf.Tensor
            Shape (batch, ...).

        Returns
        -------
        tf.Tensor
            Shape (batch, ...).
        """
        return self.value(inputs) * self.gate(inputs)

    def compute_output_shape(self, input_shape):
        """Return the shape of h(x)."""
        return self.value.compute_output_shape(input_shape)

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
