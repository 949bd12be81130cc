"""How many samples and images are decoded at a time, so that memory stays bounded whatever is asked for."""

import math
from typing import NamedTuple

MAX_NUMBERS = 2**22
"""The most numbers in the likelihood's parameters at a time: 16 MiB in float32; a pass takes some six times that."""


class ChunkPlan(NamedTuple):
    """A plan of equal chunks, so that each is compiled for one shape; the last one's surplus samples do not count.

    Attributes
    ----------
    samples : int
        Samples in a chunk.
    chunks : int
        Chunks of samples, together at least as many samples as asked for.
    images : int
        Images that are worked on at a time.
    """

    samples: int
    chunks: int
    images: int


def plan_importance(num_samples, event_numbers):
    """Plan samples that are decoded for one image alone, as many at a time as memory allows.

    Parameters
    ----------
    num_samples : int
        Samples for each image.
    event_numbers : int
        Numbers that the likelihood needs for one event.

    Returns
    -------
    ChunkPlan
    """
    return _equal(num_samples, max(1, MAX_NUMBERS // event_numbers), images=1)


def plan_prior(num_samples, event_numbers, batch_size=None):
    """Plan samples that are decoded once and meet all images: few samples, so that many images meet them at a time.

    The chunks of samples, and so the noise, depend on neither the images nor the batch size.

    Parameters
    ----------
    num_samples : int
        Samples of the prior.
    event_numbers : int
        Numbers that the likelihood needs for one event.
    batch_size : int, optional
        The most images at a time.

    Returns
    -------
    ChunkPlan
    """
    pairs = max(1, MAX_NUMBERS // event_numbers)
    plan = _equal(num_samples, max(1, math.isqrt(pairs)), images=1)
    images = max(1, pairs // plan.samples)
    return plan._replace(images=images if batch_size is None else min(batch_size, images))


def plan_annealing(num_chains, event_numbers, batch_size=None):
    """Plan chains of several images at a time; gradients keep what a pass computes, so there are fewer of them.

    Parameters
    ----------
    num_chains : int
        Chains for each image.
    event_numbers : int
        Numbers that the likelihood needs for one event.
    batch_size : int, optional
        The most images at a time.

    Returns
    -------
    ChunkPlan
    """
    rows = max(1, MAX_NUMBERS // (4 * event_numbers))
    plan = _equal(num_chains, rows, images=1)
    images = max(1, min(rows // plan.samples, 100))
    return plan._replace(images=images if batch_size is None else min(batch_size, images))


def _equal(num_samples, most, images):
    chunks = -(-num_samples // most)
    return ChunkPlan(samples=-(-num_samples // chunks), chunks=chunks, images=images)
