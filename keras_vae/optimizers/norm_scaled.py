"""Adam and Muon on gradients of unit norm."""

from typing import Any

import keras
import tensorflow as tf

from keras_vae.core import check_keras, check_number, register


class _UnitNorm:
    """What scales the gradients of the Keras optimizer that stands next among the parents."""

    def __init__(self, learning_rate, *, norm_epsilon, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.norm_epsilon = check_number("norm_epsilon", norm_epsilon, above=0.0)

    def update_step(self, gradient, variable, learning_rate):
        """Scale one gradient to unit norm, g / (||g||_2 + epsilon), and update its variable."""
        gradient = tf.convert_to_tensor(gradient)
        gradient = tf.cast(gradient, tf.float64 if gradient.dtype == tf.float64 else tf.float32)  # float16 overflows
        super().update_step(gradient / (tf.norm(gradient) + self.norm_epsilon), variable, learning_rate)

    def get_config(self):
        return {**super().get_config(), "norm_epsilon": self.norm_epsilon}


@register
class NormScaledAdam(_UnitNorm, keras.optimizers.Adam):
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

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 0.001,
        *,
        norm_epsilon: float = 1e-7,
        name: str = "norm_scaled_adam",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, norm_epsilon=norm_epsilon, name=name, **kwargs)


@register
class NormScaledMuon(_UnitNorm, keras.optimizers.Muon):
    """Keras's Muon (Jordan et al. 2024) whose gradients are first scaled to unit norm: g / (||g||_2 + 1e-7).

    Matrices are moved by the nearest orthogonal matrix to their momentum; all else by Adam, on scaled gradients as
    `NormScaledAdam` has them. An orthogonalised update has no scale, but its momentum has: scaled, each step counts
    alike in it. Convolutions of `AutoregressiveBernoulli` are matrices, which is where this is worth its price; for
    large dense layers the orthogonalisation costs more than the step. Keras's Muon wants variables in float32, and is
    what it is here since Keras 3.13.

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
    ImportError
        If Keras is older than 3.13.
    ValueError
        If `norm_epsilon` <= 0.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 0.001,
        *,
        norm_epsilon: float = 1e-7,
        name: str = "norm_scaled_muon",
        **kwargs: Any,
    ) -> None:
        check_keras("3.13", "`NormScaledMuon`", "take `NormScaledAdam`")
        super().__init__(learning_rate, norm_epsilon=norm_epsilon, name=name, **kwargs)
