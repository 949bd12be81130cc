"""Runs whose steps are not traced."""

import contextlib

import tensorflow as tf


@contextlib.contextmanager
def eagerly():
    """Run steps as they are written: of runs so short, tracing their steps would take most of the time.

    What a step computes is the subject of other tests.
    """
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)
