"""Dense layers on flattened observations."""

from keras_vae.core import register
from keras_vae.networks.mlp import MLP


@register
class MLPEncoder(MLP):
    """A multi-layer perceptron from observations to features; whatever it gets, it flattens.

    Parameters
    ----------
    units : sequence of int
        The width of each layer.
    activation : str or callable, optional
        The activation of each layer; "auto" is ReLU, and none where layers are gated.
    gated : bool
        Whether layers are `keras_vae.layers.GatedDense`.
    kernel_initializer : str or keras.initializers.Initializer
        How the weights begin.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If `units` is empty or holds anything but positive integers.

    Examples
    --------
    >>> MLPEncoder((500, 500))(tf.zeros([8, 28, 28, 1])).shape
    TensorShape([8, 500])
    """
