"""How many samples are held at a time, so that memory is bounded."""

MAX_NUMBERS = 2**22
"""The most numbers in the likelihood's parameters at a time: 16 MiB in float32; a pass takes some six times that."""


def equal_chunks(num_samples, most):
    """Split samples into chunks of one size, so that one graph does.

    Parameters
    ----------
    num_samples : int
        How many there are.
    most : int
        The most in a chunk.

    Returns
    -------
    samples, chunks : int
        The size of a chunk and how many there are; together they hold at least `num_samples`.
    """
    chunks = -(-num_samples // most)
    return -(-num_samples // chunks), chunks
