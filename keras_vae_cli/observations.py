"""From 8-bit images to what a likelihood takes, and back to images."""

import numpy as np

import keras_vae as kv

# One set of binary test images for all runs, whatever their seed: their numbers can be compared.
TEST_SEED = 777


def observations(likelihood, images, binarize="auto"):
    """Make of 8-bit images what a likelihood takes, and say what that is.

    Parameters
    ----------
    likelihood : keras_vae.likelihoods.Likelihood
        A model's.
    images : numpy.ndarray
        Shape (n, height, width, channels), uint8.
    binarize : {"auto", "fixed", "none"}
        Whether they are drawn as binary ones; "auto" does that for a Bernoulli likelihood.

    Returns
    -------
    x : numpy.ndarray
        Shape (n, *x_shape).
    values : str
        What they are, in words.
    """
    is_binary = likelihood.is_discrete and not likelihood.integer_valued
    if binarize == "fixed" or (binarize == "auto" and is_binary):
        x, values = kv.data.binarize(images, TEST_SEED), f"drawn once as 0 or 1, seed {TEST_SEED}"
    elif likelihood.integer_valued:
        levels = likelihood.num_categories
        x, values = np.round(images * ((levels - 1) / 255)).astype(np.int32), f"whole numbers from 0 to {levels - 1}"
        if likelihood.x_shape != likelihood.event_shape:
            x = np.eye(levels, dtype=np.float32)[x]
    else:
        x, values = images.astype(np.float32) / np.float32(255), "grey, in [0, 1]"
    if x[0].size == np.prod(likelihood.x_shape):
        x = x.reshape(-1, *likelihood.x_shape)  # a model of vectors takes images too
    return x, values


def grey_values(likelihood, means):
    """Bring a likelihood's means to grey or colour values from 0 to 1, whatever its observations are.

    Parameters
    ----------
    likelihood : keras_vae.likelihoods.Likelihood
        A model's.
    means : numpy.ndarray
        What its `reconstruct`, `generate` or `decode` returned.

    Returns
    -------
    numpy.ndarray
        Shape (n, *event_shape), float32.
    """
    means = np.asarray(means, np.float32)
    if likelihood.integer_valued:
        if likelihood.x_shape != likelihood.event_shape:
            means = means @ np.arange(likelihood.num_categories, dtype=np.float32)
        means = means / np.float32(likelihood.num_categories - 1)
    return np.clip(means, 0.0, 1.0)
