"""The gated dense layer."""

import keras

from keras_vae.core import check_integer, register
from keras_vae.layers.gated import Gated


@register
class GatedDense(Gated):
    """activation(W x + b) * sigmoid(V x + c): the gated linear unit (Dauphin et al. 2017, eq. 1).

    Parameters
    ----------
    units : int
        The number of outputs, at least 1.
    activation : str or callable, optional
        The activation of W x + b; none by default.
    use_bias : bool
        Whether there are b and c.
    kernel_initializer : str or keras.initializers.Initializer
        How W and V begin.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If `units` < 1.

    Examples
    --------
    >>> GatedDense(300)(tf.zeros([8, 784])).shape
    TensorShape([8, 300])
    """

    def __init__(self, units, *, activation=None, use_bias=True, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer, **kwargs)
        self.units = check_integer("units", units, minimum=1)
        self._make_branches(keras.layers.Dense, self.units)

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "units": self.units}
