"""What an objective answers."""

from typing import NamedTuple

import tensorflow as tf


class Terms(NamedTuple):
    """The terms of an objective, each a vector of shape (batch,) in nats.

    Attributes
    ----------
    loss : tf.Tensor
        What is minimised, on average over the batch.
    reconstruction_loss : tf.Tensor
        The distortion -E_q[log p(x|z)], unweighted.
    kl_loss : tf.Tensor or None
        The rate KL[q(z|x) || p(z)], unweighted; None where the objective has none.
    elbo : tf.Tensor or None
        -(reconstruction_loss + kl_loss), the bound at beta = 1; None where the objective has none.
    beta : tf.Tensor or None
        Scalar: the weight of the rate at this step, where it is scheduled.
    iwelbo : tf.Tensor or None
        The importance-weighted bound, where the objective has one.
    inference_losses : tuple of tf.Tensor or None
        Bottom-up, for each latent: what its encoder's and its posterior's variables minimise in place of `loss`, where
        they differ.
    """

    loss: tf.Tensor
    reconstruction_loss: tf.Tensor
    kl_loss: tf.Tensor | None = None
    elbo: tf.Tensor | None = None
    beta: tf.Tensor | None = None
    iwelbo: tf.Tensor | None = None
    inference_losses: tuple[tf.Tensor, ...] | None = None
