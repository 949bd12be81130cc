"""The Gaussian distribution with a density that keeps its digits."""

import math

import tensorflow as tf
import tensorflow_probability as tfp


class Normal(tfp.distributions.Normal):
    """log p(x) = -1/2 ((x - m) / s)^2 - log s - 1/2 log(2 pi), elementwise, in nats.

    `tfp.distributions.Normal` computes x / s - m / s. In float32 that loses digits where the mean is large in units of
    the scale: 0.02 nats at mean 1000 and scale 0.001. All else is TFP's: samples, KL divergences and `isinstance`.

    Parameters
    ----------
    loc : tf.Tensor
        The mean m.
    scale : tf.Tensor
        The standard deviation s, of a shape that broadcasts with `loc`.
    **kwargs
        As in `tfp.distributions.Normal`.
    """

    def _log_prob(self, x):
        scale = tf.convert_to_tensor(self.scale)
        squares = tf.square((x - self.loc) / scale)
        return -0.5 * squares - (tf.math.log(scale) + tf.constant(0.5 * math.log(2.0 * math.pi), self.dtype))
