"""The continuous Bernoulli likelihood."""

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import register
from keras_vae.likelihoods.likelihood import Likelihood


@register
class ContinuousBernoulli(Likelihood):
    """log p(x|z) = sum_d [x_d log p_d + (1 - x_d) log(1 - p_d) + log C(p_d)] on [0, 1].

    With C(p) = 2 artanh(1 - 2p) / (1 - 2p), and 2 at p = 1/2, this is the density that the cross-entropy of grey
    values lacks (Loaiza-Ganem & Cunningham 2019).

    Parameters
    ----------
    event_shape : tuple of int
        Shape of one observation.
    projection : {"auto", None}
        Whether features are projected; with None the decoder gives the logits.
    **kwargs
        Passed to `Likelihood` (`kernel_initializer`) and `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range, or the decoder's output does not fit.
    """

    support = (0.0, 1.0)
    takes_logits = True

    def split(self, projected: tf.Tensor) -> dict[str, tf.Tensor]:
        """Name the projection's output `logits`, of shape (batch, *event_shape)."""
        return {"logits": tf.squeeze(projected, -1)}

    def elements(self, parameters: dict[str, tf.Tensor]) -> tfp.distributions.Distribution:
        """Build the continuous Bernoulli distribution of each element."""
        return tfp.distributions.ContinuousBernoulli(logits=parameters["logits"])

    def mean(self, parameters: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return E[x|z], which is nearer to one half than p."""
        return self.elements(parameters).mean()
