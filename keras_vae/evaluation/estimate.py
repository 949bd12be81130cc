"""Averages of weights given as logarithms, chunk by chunk."""

from typing import NamedTuple

import numpy as np


class Estimate(NamedTuple):
    """An estimate of log p(x) for each image.

    Attributes
    ----------
    log_evidence : numpy.ndarray
        Shape (n,), float64, in nats.
    standard_error : numpy.ndarray
        Shape (n,): the Monte-Carlo standard error, by the delta method: that of the mean weight, relative to it.
    """

    log_evidence: np.ndarray
    standard_error: np.ndarray


class LogMean:
    """The logarithm of a mean of weights, of which only two running sums are kept, in float64.

    Parameters
    ----------
    size : int
        How many means there are.
    """

    def __init__(self, size):
        self.log_sum = np.full(size, -np.inf)
        self.log_sum_of_squares = np.full(size, -np.inf)

    def add(self, rows, log_sum, log_sum_of_squares):
        """Add a chunk's weights.

        Parameters
        ----------
        rows : slice
            Whose they are.
        log_sum, log_sum_of_squares : array_like
            Logarithms of the sums of weights and of squared weights.
        """
        for total, part in ((self.log_sum, log_sum), (self.log_sum_of_squares, log_sum_of_squares)):
            total[rows] = np.logaddexp(total[rows], np.asarray(part, np.float64))

    def estimate(self, num_samples):
        """Return the means of this many weights.

        Parameters
        ----------
        num_samples : int
            How many weights were added for each mean.

        Returns
        -------
        Estimate
        """
        # (mean of squares / squared mean - 1) / (n - 1) is the relative variance of the mean.
        excess = np.expm1(np.maximum(self.log_sum_of_squares - 2 * self.log_sum + np.log(num_samples), 0.0))
        relative = np.sqrt(excess / (num_samples - 1)) if num_samples > 1 else np.full_like(excess, np.nan)
        return Estimate(self.log_sum - np.log(num_samples), relative)
