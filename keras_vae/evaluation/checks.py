"""Checks that all estimates share, and the bar that shows how far they are."""

import sys

import keras
import numpy as np

from keras_vae.core import check_instance
from keras_vae.data import check_array
from keras_vae.models import LatentVariableModel


def check_model(vae):
    """Check that a model has an evidence, and build it if need be.

    Parameters
    ----------
    vae : keras_vae.models.LatentVariableModel
        The model.

    Returns
    -------
    keras_vae.models.LatentVariableModel

    Raises
    ------
    TypeError
        If it is no model of this package.
    ValueError
        If its posterior has no density.
    """
    check_instance("vae", vae, LatentVariableModel, "a model of `keras_vae`")
    for posterior in levels(vae, "posterior"):
        if not posterior.is_distribution:
            raise ValueError(
                "`vae` must have a posterior with a density; a plain autoencoder is no model of p(x). "
                f"Received: a posterior {type(posterior).__name__}"
            )
    if not vae.built:
        vae.build((None, *vae.likelihood.x_shape))
    return vae


def levels(vae, name):
    """Return a model's parts of a kind, one for each level, bottom-up.

    Parameters
    ----------
    vae : keras_vae.models.LatentVariableModel
        The model.
    name : {"posterior", "prior"}
        The kind.

    Returns
    -------
    list
    """
    return list(getattr(vae, f"{name}s")) if hasattr(vae, f"{name}s") else [getattr(vae, name)]


def check_observations(vae, x):
    """Check observations against the likelihood and cast them to the model's precision.

    Parameters
    ----------
    vae : keras_vae.models.LatentVariableModel
        The model.
    x : array_like
        Shape (n, *x_shape).

    Returns
    -------
    numpy.ndarray

    Raises
    ------
    ValueError
        If they are empty, not finite, of the wrong shape or outside of the support.
    """
    likelihood = vae.likelihood
    x = check_array(
        x,
        shape=likelihood.x_shape,
        support=likelihood.support,
        integer=likelihood.integer_valued,
        owner=f"the likelihood {type(likelihood).__name__}",
    )
    return np.asarray(x, vae.variable_dtype)


def progress_bar(total, unit, wanted):
    """Return Keras's bar, or a silent one. Where nobody watches it writes a line a minute at most.

    Parameters
    ----------
    total : int
        Steps.
    unit : str
        What a step is.
    wanted : bool
        Whether anything is shown.

    Returns
    -------
    keras.utils.Progbar
    """
    interval = 0.1 if sys.stdout.isatty() else 60.0
    return keras.utils.Progbar(total, verbose=1 if wanted else 0, interval=interval, unit_name=unit)
