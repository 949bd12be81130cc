"""Two bounds that hold the evidence between them."""

from typing import NamedTuple

import numpy as np


class Sandwich(NamedTuple):
    """What `ais_sandwich` found.

    Attributes
    ----------
    x : numpy.ndarray
        Shape (n, *x_shape): the simulated observations.
    lower : numpy.ndarray
        Shape (n,), in nats: on average a lower bound of log p(x).
    upper : numpy.ndarray
        Shape (n,), in nats: on average an upper bound of log p(x).
    """

    x: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
