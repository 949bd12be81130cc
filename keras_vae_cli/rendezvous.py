"""Waiting for the other workers before TensorFlow does, which neither says for whom nor heeds ctrl-C."""

import contextlib
import os
import socket
import time

import typer

from keras_vae_cli.lost_worker import LostWorker
from keras_vae_cli.mistake import Mistake

# A scheduler may start some machines later than others.
MINUTES = 10
_PAUSE = 0.2


def meet(cluster):
    """Wait until each of the other workers has been up, with the port of this one open meanwhile.

    Parameters
    ----------
    cluster : Cluster
        Who they are.

    Raises
    ------
    Mistake
        If this worker's port is taken.
    LostWorker
        If one of them does not come up.
    """
    with contextlib.closing(_listening(cluster)):
        missing, said, end = list(cluster.others), 0.0, time.monotonic() + 60 * MINUTES
        while missing := [address for address in missing if not _is_up(address)]:
            now = time.monotonic()
            if now >= end:
                raise LostWorker(f"{', '.join(missing)} did not come up within {MINUTES:g} minutes")
            if now >= said:
                typer.echo(f"Waiting for {', '.join(missing)}")
                said = now + 60
            time.sleep(_PAUSE)


def _listening(cluster):
    address = cluster.addresses[cluster.index]
    port = int(address.rpartition(":")[2])
    try:
        return socket.create_server(("", port), backlog=len(cluster.addresses))
    except OSError as error:
        raise Mistake(
            f"TF_CONFIG must give this worker a port of its own. Received: {address} ({os.strerror(error.errno)})"
        ) from error


def _is_up(address):
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=1.0):
            return True
    except OSError:
        return False
