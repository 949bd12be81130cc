"""The end of a run of several workers when one of them is gone."""

import contextlib
import os
import re

import typer


class LostWorker(typer.TyperException):
    """Another worker is gone, and the run with it; the message says how to go on.

    Parameters
    ----------
    message : str
        For the user.
    """

    exit_code = os.EX_TEMPFAIL  # a scheduler may try again

    def __init__(self, message):
        super().__init__(f"a worker was lost: {message}")


@contextlib.contextmanager
def lost_workers_told(cluster, how_to_go_on):
    """Turn TensorFlow's words for a broken connection into a `LostWorker`.

    Parameters
    ----------
    cluster : Cluster or None
        None where there are no others, and every error is one of this process.
    how_to_go_on : callable
        Returns it, for the user.

    Raises
    ------
    LostWorker
        In place of TensorFlow's errors.
    """
    if cluster is None:
        yield
        return
    from tensorflow import errors

    try:
        yield
    # What a collective gives that others have left: the kind depends on where it was.
    except (
        errors.AbortedError,
        errors.CancelledError,
        errors.DeadlineExceededError,
        errors.FailedPreconditionError,
        errors.UnavailableError,
    ) as error:
        raise LostWorker(f"{_whereabouts(cluster, str(error))}. {how_to_go_on()}".strip()) from error


def _whereabouts(cluster, words):
    """Tell to whom the connection broke."""
    found = {f"{job}:{number}" for job, number in re.findall(r"/job:(\w+)/(?:replica:0/)?task:(\d+)", words)}
    silent = [
        address
        for task, address in zip(cluster.tasks, cluster.addresses, strict=True)
        if task in found and address in cluster.others
    ]
    return f"{' and '.join(silent or ['another one'])} does not answer, and its own last words may say why"
