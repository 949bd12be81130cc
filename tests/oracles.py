"""What several tests measure by: formulas in NumPy, and the standard error of an average."""

import numpy as np


def gaussian_kl(mean_1, covariance_1, mean_2, covariance_2):
    """Return KL[N(mean_1, covariance_1) || N(mean_2, covariance_2)] by inverse and determinant, in float64."""
    mean_1, covariance_1, mean_2, covariance_2 = (
        np.asarray(value, np.float64) for value in (mean_1, covariance_1, mean_2, covariance_2)
    )
    precision = np.linalg.inv(covariance_2)
    shift = mean_2 - mean_1
    trace = np.trace(precision @ covariance_1, axis1=-2, axis2=-1)
    quadratic = np.einsum("...i,...ij,...j->...", shift, precision, shift)
    log_determinants = np.linalg.slogdet(covariance_2)[1] - np.linalg.slogdet(covariance_1)[1]
    return 0.5 * (log_determinants - mean_1.shape[-1] + trace + quadratic)


def random_covariance(generator, *shape):
    """Draw symmetric positive definite matrices of shape (*shape[:-1], d, d) with d = shape[-1]."""
    factor = generator.normal(size=(*shape, shape[-1]))
    return factor @ np.swapaxes(factor, -1, -2) + 0.3 * np.eye(shape[-1])


def assert_mean_within_standard_errors(draws, expected, *, errors=4.0):
    """Check that the average over the first axis is within some standard errors of what is expected.

    The draws must vary: a standard error of zero would compare nothing but rounding.
    """
    draws = np.asarray(draws, np.float64)
    standard_error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    assert np.all(standard_error > 0)
    distance = np.abs(draws.mean(axis=0) - expected) / standard_error
    assert np.all(distance < errors), f"{np.max(distance):.2f} standard errors away"
