"""Conversions between beta on sums and beta on averages."""

import math
from collections.abc import Sequence

from keras_vae.core import check_integer, check_number, check_shape


def normalized_beta(beta: float, *, latent_dim: int, event_shape: Sequence[int]) -> float:
    """Return beta_norm = beta * latent dims / event dims (Higgins et al. 2017, figure 6).

    It is the weight that gives the same optimum when the rate is averaged over latent dimensions and the distortion
    over event dimensions, instead of both being summed.

    Parameters
    ----------
    beta : float
        The weight on sums, in nats.
    latent_dim : int
        The number of latent dimensions.
    event_shape : tuple of int
        Shape of one observation.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> normalized_beta(1.0, latent_dim=16, event_shape=(28, 28, 1))
    0.02040816326530612
    """
    beta = check_number("beta", beta, minimum=0.0)
    return (
        beta * check_integer("latent_dim", latent_dim, minimum=1) / math.prod(check_shape("event_shape", event_shape))
    )


def beta_from_normalized(normalized: float, *, latent_dim: int, event_shape: Sequence[int]) -> float:
    """Return beta = beta_norm * event dims / latent dims, the inverse of `normalized_beta`.

    Parameters
    ----------
    normalized : float
        The weight on averages.
    latent_dim : int
        The number of latent dimensions.
    event_shape : tuple of int
        Shape of one observation.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    normalized = check_number("normalized", normalized, minimum=0.0)
    size = math.prod(check_shape("event_shape", event_shape))
    return normalized * size / check_integer("latent_dim", latent_dim, minimum=1)
