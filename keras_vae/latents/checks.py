"""The check that all arithmetic on codes shares."""

import numpy as np


def check_codes(name, codes, *, ndim=None) -> np.ndarray:
    """Check an array of latent codes and bring it to floating point; float32 and float64 keep their precision."""
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
