"""Checks that all arithmetic on codes shares."""

import numpy as np


def check_codes(name, codes, *, ndim=None):
    """Check an array of latent codes and bring it to floating point.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    codes : array_like
        Shape (..., latent_dim).
    ndim : int, optional
        How many axes there must be; by default at least one.

    Returns
    -------
    numpy.ndarray
        Of the same shape; float32 and float64 keep their precision, all else becomes float64.

    Raises
    ------
    ValueError
        If the shape is another, the array is empty, or a value is no finite number.
    """
    try:
        codes = np.asarray(codes)
        codes = codes if codes.dtype == np.float32 else codes.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"`{name}` must be an array of numbers. Received: {name}={codes!r}") from None
    if codes.ndim < 1 or codes.size == 0 or (ndim is not None and codes.ndim != ndim):
        shape = "(n, latent_dim) with n >= 1" if ndim == 2 else "(..., latent_dim), and not be empty"
        raise ValueError(f"`{name}` must have shape {shape}. Received: an array of shape {codes.shape}")
    if not np.isfinite(codes).all():
        raise ValueError(f"`{name}` must be finite. Received: NaN or infinity")
    return codes
