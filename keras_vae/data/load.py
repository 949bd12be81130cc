"""Data sets by name."""

from keras_vae.core import check_choice
from keras_vae.data.sources import SOURCES


def load(name):
    """Return the training and the test set of a data set.

    Parameters
    ----------
    name : {"cifar10", "digits", "fashion_mnist", "mnist"}
        The data set. "digits" ships with scikit-learn and is always there; the others are looked for in the directory
        named by the environment variable `KERAS_VAE_DATA`, then where the system or Keras keeps them, and are
        downloaded by Keras if need be.

    Returns
    -------
    train, test : ImageSet
        Each with `images`, uint8 of shape (n, height, width, channels), `labels`, int64 of shape (n,), and
        `class_names`.

    Raises
    ------
    DataNotFoundError
        If the data set is nowhere to be had; the message names each place and the remedies.
    ValueError
        If `name` is not one of these, or a file is broken; then the message names the file.

    Examples
    --------
    >>> train, test = load("digits")
    >>> train.images.shape, test.labels.shape
    ((1500, 8, 8, 1), (297,))
    """
    check_choice("name", name, sorted(SOURCES))
    return SOURCES[name]()
