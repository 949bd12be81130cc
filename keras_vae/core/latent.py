"""One latent variable of one inference."""

from typing import Any, NamedTuple

import tensorflow as tf


class Latent(NamedTuple):
    """A latent variable: its samples, where they came from and where the model says they should come from.

    Attributes
    ----------
    z : tf.Tensor
        Shape (num_samples, batch, latent_dim): samples of q(z|x); the samples' axis is there for one sample too.
    posterior : tfp.distributions.Distribution
        q(z|x), of batch shape (batch,) and event shape (latent_dim,).
    prior : tfp.distributions.Distribution
        p(z), of event shape (latent_dim,).
    """

    z: tf.Tensor
    posterior: Any
    prior: Any
