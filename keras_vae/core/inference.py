"""The record that a model makes of one pass from x to p(x|z), and that an objective reads."""

from typing import Any, NamedTuple

import tensorflow as tf

from keras_vae.core.latent import Latent


class Inference(NamedTuple):
    """One pass through a latent-variable model.

    Attributes
    ----------
    x : tf.Tensor
        Shape (batch, *event_shape): the observations, as the likelihood takes them.
    likelihood : tfp.distributions.Distribution
        p(x|z), of batch shape (num_samples, batch).
    latents : tuple of Latent
        Bottom-up; one for a flat VAE.
    condition : tf.Tensor or None
        What encoder, decoder and prior were conditioned on.
    sample_weight : tf.Tensor or None
        Shape (batch,): the weight of each example in averages over the batch; None for equal weights.
    auxiliary : dict
        Further terms that an objective may read.
    """

    x: tf.Tensor
    likelihood: Any
    latents: tuple[Latent, ...]
    condition: Any = None
    sample_weight: Any = None
    auxiliary: dict = {}
