"""The Bernoulli likelihood."""

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import register
from keras_vae.likelihoods.likelihood import Likelihood
from keras_vae.likelihoods.logit_bernoulli import LogitBernoulli


@register
class Bernoulli(Likelihood):
    """log p(x|z) = sum_d [x_d log p_d + (1 - x_d) log(1 - p_d)], from logits (Kingma & Welling 2014, appendix C.1).

    On binary observations it is a normalised log-probability. On grey values between 0 and 1 it is the negative
    binary cross-entropy, which is not: such numbers in nats do not compare with those of other models. Binarize the
    data, or use `ContinuousBernoulli`.

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
    is_discrete = True
    takes_logits = True

    def split(self, projected: tf.Tensor) -> dict[str, tf.Tensor]:
        """Name the projection's output `logits`, of shape (batch, *event_shape)."""
        return {"logits": tf.squeeze(projected, -1)}

    def elements(self, parameters: dict[str, tf.Tensor]) -> tfp.distributions.Distribution:
        """Build the Bernoulli distribution of each element."""
        logits = parameters["logits"]
        return LogitBernoulli(logits=logits, dtype=logits.dtype)

    def mean(self, parameters: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the probabilities."""
        return tf.sigmoid(parameters["logits"])
