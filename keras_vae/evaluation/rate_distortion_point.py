"""One point of a rate-distortion curve."""

from typing import NamedTuple


class RateDistortionPoint(NamedTuple):
    """One model of a sweep, in nats for each example.

    Attributes
    ----------
    beta : float
        The weight of the rate that the model was trained with.
    rate : float
        E_x KL[q(z|x) || p(z)].
    distortion : float
        -E_x E_q[log p(x|z)].
    elbo : float
        -distortion - rate.
    """

    beta: float
    rate: float
    distortion: float
    elbo: float
