"""The plain autoencoder's objective."""

from typing import Any

import tensorflow as tf

from keras_vae.core import Inference, register
from keras_vae.objectives.objective import Objective, auxiliary_loss, distortion
from keras_vae.objectives.terms import Terms


@register
class Reconstruction(Objective):
    """Minimise -log p(x|z) alone: squared error for a Gaussian likelihood, cross-entropy for the others.

    There is no bound on log p(x) in it, so no kl_loss and no elbo are logged.
    """

    needs_density = False

    def __call__(self, record: Inference, *, step: int | tf.Tensor, training: bool) -> Terms:
        """Compute the distortion."""
        reconstruction_loss = distortion(record)
        return Terms(
            loss=reconstruction_loss + auxiliary_loss(record),
            logs={"reconstruction_loss": reconstruction_loss, **record.auxiliary},
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the objective: none."""
        return {}
