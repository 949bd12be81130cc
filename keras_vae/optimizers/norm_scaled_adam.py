"""Adam on gradients of unit norm."""

import keras

from keras_vae.core import check_number, register
from keras_vae.optimizers.unit_norm import unit_norm


@register
class NormScaledAdam(keras.optimizers.Adam):
    """Adam (Kingma & Ba 2015) whose gradients are first scaled to unit norm, tensor by tensor: g / (||g||_2 + 1e-7).

    The optimizer of Tomczak & Welling 2018, where a tensor's gradient moves the moments alike in every step, however
    steep the loss is. The norm is that of the whole batch's gradient: summed over replicas, averaged over accumulated
    steps, freed from the loss scale, and clipped if that is asked for.

    Parameters
    ----------
    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
        As in `keras.optimizers.Adam`; the published protocol for Fashion-MNIST takes 5e-4.
    norm_epsilon : float
        What is added to the norm, so that a gradient of zero stays zero; more than 0.
    **kwargs
        As in `keras.optimizers.Adam`.

    Raises
    ------
    ValueError
        If `norm_epsilon` <= 0.
    """

    def __init__(self, learning_rate=0.001, *, norm_epsilon=1e-7, name="norm_scaled_adam", **kwargs):
        super().__init__(learning_rate, name=name, **kwargs)
        self.norm_epsilon = check_number("norm_epsilon", norm_epsilon, above=0.0)

    def update_step(self, gradient, variable, learning_rate):
        """Scale one gradient to unit norm and update its variable as Adam does."""
        super().update_step(unit_norm(gradient, self.norm_epsilon), variable, learning_rate)

    def get_config(self):
        """Return the arguments that rebuild the optimizer."""
        return {**super().get_config(), "norm_epsilon": self.norm_epsilon}
