"""Data sets by name."""

import inspect
from typing import Any, Literal

from keras_vae.core import check_choice
from keras_vae.data.image_set import ImageSet
from keras_vae.data.sources import SOURCES


def load(
    name: Literal["cartoon_faces", "cifar10", "digits", "fashion_mnist", "mnist"], **options: Any
) -> tuple[ImageSet, ImageSet]:
    """Return the training and the test set of a data set.

    Parameters
    ----------
    name : {"cartoon_faces", "cifar10", "digits", "fashion_mnist", "mnist"}
        The data set. "cartoon_faces" are drawn here and "digits" ship with scikit-learn, so both are always there; the
        others are looked for in the directory named by the environment variable `KERAS_VAE_DATA`, then where the
        system or Keras keeps them, and are downloaded by Keras if need be.
    **options
        Of "cartoon_faces" alone: `num_train` (1000), `num_test` (200), `image_size` (256), `seed` (0) and `labels`
        ("hair_style"), the factor that gives the labels. The others take none.

    Returns
    -------
    train, test : ImageSet
        Each with `images`, uint8 of shape (n, height, width, channels), `labels`, int64 of shape (n,), and
        `class_names`; cartoon faces also with `factors` and `factor_names`.

    Raises
    ------
    DataNotFoundError
        If the data set is not found; the message names each place and the remedies.
    ValueError
        If `name` is not one of these, an option is unknown or out of range, or a file is broken; then the message
        names the file.

    Examples
    --------
    >>> train, test = load("digits")
    >>> train.images.shape, test.labels.shape
    ((1500, 8, 8, 1), (297,))
    >>> train, test = load("cartoon_faces", num_train=8, num_test=2, image_size=64)
    >>> train.factor_names["glasses"][train.factors["glasses"][0]]
    'sunglasses'
    """
    check_choice("name", name, sorted(SOURCES))
    known = list(inspect.signature(SOURCES[name]).parameters)
    for option, value in options.items():
        if option not in known:
            rule = f"The options of {name!r} must be among {known}" if known else f"{name!r} takes no options"
            raise ValueError(f"{rule}. Received: {option}={value!r}")
    return SOURCES[name](**options)
