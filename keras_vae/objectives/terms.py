"""What an objective returns."""

from typing import NamedTuple

import tensorflow as tf


class Terms(NamedTuple):
    """What an objective returns for a record.

    Attributes
    ----------
    loss : tf.Tensor
        Shape (batch,), in nats: what is minimised, on average over the batch.
    logs : dict of tf.Tensor
        What is logged beside the loss, by name: vectors of shape (batch,), whose averages over examples are logged, or
        scalars such as a weight. `reconstruction_loss` is the distortion -E_q[log p(x|z)], `kl_loss` the rate KL[q(z|x)
        || p(z)], both unweighted; `elbo` is a lower bound on log p(x). A method without one leaves it out.
    inference_losses : tuple of tf.Tensor, optional
        Bottom-up, for each latent: what its encoder's and its posterior's variables minimise in place of `loss`.
    """

    loss: tf.Tensor
    logs: dict[str, tf.Tensor]
    inference_losses: tuple[tf.Tensor, ...] | None = None


def direction_of(monitor: str) -> str | None:
    """Return whether more or less of a logged number is better, where its name says so.

    Parameters
    ----------
    monitor : str
        A name in the logs, such as "val_elbo".

    Returns
    -------
    {"max", "min"} or None
        "max" for bounds on log p(x), "min" for losses; None for other names.
    """
    return "max" if monitor.endswith("elbo") else "min" if monitor.endswith("loss") else None
