"""Whether importance weights have so heavy a tail that their mean can't be trusted (Vehtari et al. 2024)."""

import numpy as np

_MOST = 500  # weights kept for each image; 3 sqrt(samples) up to some 28,000 samples
_FEWEST = 5  # weights to fit a tail to
_FLAT = 1e-3  # of the largest weight: where the tail is no wider, there is none
_IMAGES = 100  # fitted at a time, which bounds memory


def tail_length(num_samples):
    """Return how many of S weights make the tail: min(S / 5, 3 sqrt(S)), at most 500; 0 where too few for a fit."""
    length = min(int(np.ceil(min(num_samples / 5, 3 * np.sqrt(num_samples)))), _MOST)
    return length if length >= _FEWEST else 0


def highest_k(num_samples):
    """Return the Pareto k up to which S weights give a mean that can be trusted: min(1 - 1 / log10(S), 0.7)."""
    return min(1 - 1 / np.log10(num_samples), 0.7) if num_samples > 1 else float("nan")


class LargestWeights:
    """The largest weights of each of `size` images: those of the tail and the one below it, in any order.

    `number` of the `num_samples` weights of an image are kept; 0 where there are too few for a tail.
    """

    def __init__(self, size, num_samples, dtype="float64"):
        length = tail_length(num_samples)
        self.number = length + 1 if length else 0
        self.log_weights = np.full((size, self.number), -np.inf, dtype)

    def add(self, rows, log_weights):
        """Add a chunk's log weights, or the largest `number` of them, of shape (rows, any number)."""
        if self.number:
            candidates = np.concatenate([self.log_weights[rows], np.asarray(log_weights)], axis=1)
            self.log_weights[rows] = np.partition(candidates, -self.number, axis=1)[:, -self.number :]

    def pareto_k(self):
        """Estimate the shape of each image's tail: NaN for too few weights, -inf where the largest are equal."""
        if not self.number:
            return np.full(len(self.log_weights), np.nan)
        parts = [self.log_weights[start : start + _IMAGES] for start in range(0, len(self.log_weights), _IMAGES)]
        return np.concatenate([_shape_of_tail(np.asarray(part, np.float64)) for part in parts])


def _shape_of_tail(log_weights):
    log_weights = np.sort(log_weights, axis=1)
    with np.errstate(invalid="ignore"):  # weights that are all zero
        weights = np.exp(log_weights - log_weights[:, -1:])
    exceedances = weights[:, 1:] - weights[:, :1]
    shape = fit_generalized_pareto(exceedances)[0]
    return np.where(exceedances[:, -1] < _FLAT, -np.inf, shape)


def fit_generalized_pareto(exceedances):
    """Fit the generalized Pareto distribution to each row of sorted exceedances (Zhang & Stephens 2009).

    The shape k has the weak prior of Vehtari et al. (2024): ten more observations of 1/2, so that few exceedances do
    not scatter it. With k < 1/2 the variance of the weights exists, with k < 1 their mean does; above 0.7 no practical
    number of samples gives a mean, or a standard error, that can be trusted. Returns shape and scale of each row, NaN
    where fewer than five exceedances are above 0.
    """
    rows, number = exceedances.shape
    shape, scale = np.full(rows, np.nan), np.full(rows, np.nan)
    counts = np.sum(exceedances > 0, axis=1)
    enough = counts >= _FEWEST
    x, count = exceedances[enough], counts[enough]
    quartile = np.take_along_axis(x, (number - count + np.floor(count / 4 + 0.5).astype(int) - 1)[:, None], axis=1)
    points = 30 + int(np.sqrt(number))
    steps = 1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))
    theta = 1 / x[:, -1:] + steps / (3 * quartile)  # (rows, points)

    def mean_log(theta):
        return np.log1p(-theta[..., None] * x[:, None, :]).sum(axis=-1) / count[:, None]

    shapes = mean_log(theta)
    with np.errstate(invalid="ignore"):  # 0 / 0 where rounding has all exceedances the same
        log_likelihood = count[:, None] * (np.log(-theta / shapes) - shapes - 1)
    log_likelihood -= log_likelihood.max(axis=1, keepdims=True)
    posterior = np.exp(log_likelihood)
    theta = np.sum(theta * posterior, axis=1, keepdims=True) / posterior.sum(axis=1, keepdims=True)
    found = mean_log(theta)[:, 0]
    scale[enough] = -found / theta[:, 0]
    shape[enough] = (count * found + 10 * 0.5) / (count + 10)
    return shape, scale
