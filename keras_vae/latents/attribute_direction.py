"""What an attribute is in the latent space."""

import numpy as np
from numpy.typing import ArrayLike

from keras_vae.latents.checks import check_codes


def attribute_direction(with_attribute: ArrayLike, without_attribute: ArrayLike) -> np.ndarray:
    """Return the mean of codes with an attribute less the mean of codes without it (Larsen et al. 2016, section 4.2).

    Added to a code it gives the attribute, subtracted it takes it away; half of it goes half the way. The two groups
    should differ in nothing else: what else differs on average is in the direction too.

    Parameters
    ----------
    with_attribute, without_attribute : array_like
        Shapes (n, latent_dim) and (m, latent_dim), such as the posterior means that `encode` returns.

    Returns
    -------
    numpy.ndarray
        Shape (latent_dim,); float32 where both groups are, else float64.

    Raises
    ------
    ValueError
        If one of the groups is empty or not a matrix of finite numbers, or their latent dimensions differ.

    Examples
    --------
    >>> glasses = attribute_direction(vae.encode(x[has_glasses]), vae.encode(x[~has_glasses]))
    >>> images = vae.decode(vae.encode(x[~has_glasses]) + glasses)
    """
    with_attribute = check_codes("with_attribute", with_attribute, ndim=2)
    without_attribute = check_codes("without_attribute", without_attribute, ndim=2)
    if with_attribute.shape[1] != without_attribute.shape[1]:
        raise ValueError(
            "`with_attribute` and `without_attribute` must have the same latent dimension. "
            f"Received: shapes {with_attribute.shape} and {without_attribute.shape}"
        )
    means = [np.mean(codes, axis=0, dtype=np.float64) for codes in (with_attribute, without_attribute)]
    return (means[0] - means[1]).astype(np.result_type(with_attribute, without_attribute))
