"""Muon on gradients of unit norm."""

import keras

from keras_vae.core import check_number, register
from keras_vae.optimizers.unit_norm import unit_norm


@register
class NormScaledMuon(keras.optimizers.Muon):
    """Keras's Muon (Jordan et al. 2024) whose gradients are first scaled to unit norm: g / (||g||_2 + 1e-7).

    Matrices are moved by the nearest orthogonal matrix to their momentum; all else by Adam, on scaled gradients as
    `NormScaledAdam` has them. An orthogonalised update has no scale, but its momentum has: scaled, each step counts
    alike in it. Convolutions of `AutoregressiveBernoulli` are matrices, which is where this is worth its price; for
    large dense layers the orthogonalisation costs more than the step. Keras's Muon wants variables in float32.

    Parameters
    ----------
    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
        As in `keras.optimizers.Muon`, for both kinds of update.
    norm_epsilon : float
        What is added to the norm, so that a gradient of zero stays zero; more than 0.
    **kwargs
        As in `keras.optimizers.Muon`: `exclude_layers`, regular expressions for the paths of matrices that are left to
        Adam, `weight_decay` of orthogonalised matrices and `adam_weight_decay` of all else.

    Raises
    ------
    ValueError
        If `norm_epsilon` <= 0.
    """

    def __init__(self, learning_rate=0.001, *, norm_epsilon=1e-7, name="norm_scaled_muon", **kwargs):
        super().__init__(learning_rate, name=name, **kwargs)
        self.norm_epsilon = check_number("norm_epsilon", norm_epsilon, above=0.0)

    def update_step(self, gradient, variable, learning_rate):
        """Scale one gradient to unit norm and update its variable as Muon does."""
        super().update_step(unit_norm(gradient, self.norm_epsilon), variable, learning_rate)

    def get_config(self):
        """Return the arguments that rebuild the optimizer."""
        return {**super().get_config(), "norm_epsilon": self.norm_epsilon}
