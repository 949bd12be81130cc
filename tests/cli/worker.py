"""`keras-vae train` as one of several workers, with what makes runs comparable: hardly any noise, and no pictures.

The first argument is a file for the weights that this worker ends with.
"""

import contextlib
import functools
import sys

import numpy as np

import keras_vae as kv
from keras_vae_cli import main, training_run

QUIET = functools.partial(kv.posteriors.DiagonalGaussian, log_var_range=(-40.0, -39.9))


def run(arguments, weights):
    """Run the command line, and keep what was trained."""
    fit = training_run.TrainingRun._fit

    def fit_and_keep(run, callbacks):
        fit(run, callbacks)
        np.savez(weights, *run.vae.get_weights())

    with contextlib.ExitStack() as stack:
        for owner, name, value in (
            (kv.posteriors, "DiagonalGaussian", QUIET),
            (training_run.TrainingRun, "_draw", lambda *_: None),
            (training_run.TrainingRun, "_fit", fit_and_keep),
        ):
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        return main(arguments)


if __name__ == "__main__":
    sys.exit(run(sys.argv[2:], sys.argv[1]))
