"""Averages of weights given as logarithms, chunk by chunk."""

from typing import NamedTuple

import numpy as np

_BLOCKS = 100  # the error of a standard error from this many is 7 %


class Estimate(NamedTuple):
    """An estimate of log p(x) for each image.

    Attributes
    ----------
    log_evidence : numpy.ndarray
        Shape (n,), float64, in nats.
    standard_error : numpy.ndarray
        Shape (n,): the Monte-Carlo standard error of each, over other samples, by the delta method: that of the mean
        weight, relative to it. NaN for one sample. It is too small where `pareto_k` is large.
    mean_standard_error : float
        The Monte-Carlo standard error of the mean over images, over other samples for the same images; in nats.
    pareto_k : numpy.ndarray
        Shape (n,): the shape of the tail of each image's weights (Vehtari et al. 2024), which up to `highest_k` can be
        trusted. NaN where no tail was fitted.
    num_samples : int
        For each image.
    """

    log_evidence: np.ndarray
    standard_error: np.ndarray
    mean_standard_error: float
    pareto_k: np.ndarray
    num_samples: int

    def first(self, size):
        """Return the estimate for the first images, whose samples are independent of those of the others."""
        if size == len(self.log_evidence):
            return self
        error = float(np.linalg.norm(self.standard_error[:size])) / size
        return Estimate(
            self.log_evidence[:size], self.standard_error[:size], error, self.pareto_k[:size], self.num_samples
        )


class LogMean:
    """Logarithms of `size` means of weights; only two running sums of each are kept, in float64."""

    def __init__(self, size):
        self.log_sum = np.full(size, -np.inf)
        self.log_sum_of_squares = np.full(size, -np.inf)

    def add(self, rows, log_sum, log_sum_of_squares):
        """Add the logarithms of a chunk's sum of weights and of their squares, for the images of a slice."""
        for total, part in ((self.log_sum, log_sum), (self.log_sum_of_squares, log_sum_of_squares)):
            total[rows] = np.logaddexp(total[rows], np.asarray(part, np.float64))

    def estimate(self, num_samples, *, mean_standard_error=None, pareto_k=None):
        """Return an `Estimate` of means of this many weights.

        By default the standard error of the mean over images is that of images with independent samples.
        """
        # (mean of squares / squared mean - 1) / (n - 1) is the relative variance of the mean.
        with np.errstate(invalid="ignore"):  # an image that was not reached has no weights
            excess = np.expm1(np.maximum(self.log_sum_of_squares - 2 * self.log_sum + np.log(num_samples), 0.0))
        relative = np.sqrt(excess / (num_samples - 1)) if num_samples > 1 else np.full_like(excess, np.nan)
        if mean_standard_error is None:
            mean_standard_error = float(np.linalg.norm(relative)) / len(relative)
        if pareto_k is None:
            pareto_k = np.full_like(relative, np.nan)
        return Estimate(self.log_sum - np.log(num_samples), relative, mean_standard_error, pareto_k, num_samples)


class SharedSamples:
    """What samples that all images share do to the mean over images, from the sums of some hundred blocks of them.

    One sample moves the estimates of all images together, so that their errors do not average out. By the delta method
    the error of mean_i log mean_k w_ik is that of the mean over samples of a_k = mean_i (w_ik / mean_k w_ik); as those
    means are known at the end only, sums over blocks of samples are kept in place of samples, for one pass over them.

    Each of `chunks` chunks of `samples` samples is cut into `parts` blocks of `width` samples; the last one may be
    shorter.
    """

    def __init__(self, size, samples, chunks):
        self.width = -(-samples // min(samples, -(-_BLOCKS // chunks)))
        self.parts = -(-samples // self.width)
        self.samples, self.chunks = samples, chunks
        self.log_sums = np.full((self._first_block(chunks - 1) + self.parts, size), -np.inf)

    def _first_block(self, chunk):
        """Return the number of a chunk's first block; where there are more chunks than blocks, some share theirs."""
        return chunk * self.parts if self.chunks <= _BLOCKS else chunk * _BLOCKS // self.chunks

    def add(self, rows, chunk, log_sums):
        """Add a chunk's sums, of shape (parts, rows): logarithms of the sums of weights in each of its blocks."""
        first = self._first_block(chunk)
        blocks = slice(first, first + self.parts)
        self.log_sums[blocks, rows] = np.logaddexp(self.log_sums[blocks, rows], np.asarray(log_sums, np.float64))

    def mean_standard_error(self, num_samples):
        """Return the standard error of the mean over images, over other samples, in nats; NaN for one sample.

        It is that of the first `num_samples` samples, and these are all that were added.
        """
        chunk, place = np.divmod(np.arange(num_samples), self.samples)
        counts = np.bincount(self._first_block(chunk) + place // self.width, minlength=len(self.log_sums))
        counts, log_sums = counts[counts > 0], self.log_sums[counts > 0]
        if len(counts) < 2:
            return float("nan")
        shares = np.exp(log_sums - np.logaddexp.reduce(log_sums, axis=0)).mean(axis=1)  # they add up to 1
        squares = np.sum(np.square(shares - counts / counts.sum()))
        return float(np.sqrt(squares * len(counts) / (len(counts) - 1)))
