"""The machines that train together, as the environment variable TF_CONFIG names them."""

import dataclasses
import json

from keras_vae_cli.mistake import Mistake

VARIABLE = "TF_CONFIG"
_EXAMPLE = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cluster:
    """The workers of a run, and which of them this process is.

    Attributes
    ----------
    addresses : tuple of str
        host:port of each worker, the chief first.
    tasks : tuple of str
        What TensorFlow calls them: "worker:0" and so on.
    index : int
        Of this worker.
    """

    addresses: tuple
    tasks: tuple
    index: int

    @property
    def is_chief(self):
        """Whether this worker writes the results."""
        return self.index == 0

    @property
    def others(self):
        """The addresses of the other workers."""
        return tuple(address for number, address in enumerate(self.addresses) if number != self.index)

    def __str__(self):
        """Name this worker."""
        return f"worker {self.index} of {len(self.addresses)}"


def cluster_of(strategy, environment):
    """Find out who takes part in a run.

    Parameters
    ----------
    strategy : {"auto", "none", "mirrored", "multi-worker"}
        What the user asked for.
    environment : mapping of str
        The process's environment variables.

    Returns
    -------
    Cluster or None
        None where this process trains alone.

    Raises
    ------
    Mistake
        If TF_CONFIG is missing where it is needed, or ill-formed.
    """
    if strategy in ("none", "mirrored"):
        return None
    text = environment.get(VARIABLE, "").strip()
    if not text and strategy == "auto":
        return None
    if not text:
        raise Mistake(
            f"`--strategy` multi-worker must have the environment variable {VARIABLE}, with all workers and which of "
            f"them this one is, such as {_EXAMPLE}. Received: none"
        )
    try:
        content = json.loads(text)
    except ValueError as error:
        raise Mistake(f"{VARIABLE} must be JSON, such as {_EXAMPLE}. Received: {text} ({error})") from error
    if strategy == "auto" and isinstance(content, dict) and not content.get("cluster"):
        return None
    cluster = _read(content)
    return cluster if len(cluster.addresses) > 1 else None


def _read(content):
    jobs = _member(content, "cluster", dict)
    strangers = sorted(set(jobs) - {"chief", "worker"})
    if strangers:
        raise Mistake(f"{VARIABLE} must name no tasks but a chief and workers. Received: {strangers[0]!r}")
    for name, addresses in jobs.items():
        if not isinstance(addresses, list) or not all(map(_is_address, addresses)):
            raise Mistake(f"{VARIABLE} must have a list of host:port as {name!r}. Received: {json.dumps(addresses)}")
    chief, workers = jobs.get("chief", []), jobs.get("worker", [])
    if len(chief) > 1 or not chief + workers:
        raise Mistake(f"{VARIABLE} must name one worker or more, and one chief or none. Received: {json.dumps(jobs)}")
    if len(set(chief + workers)) < len(chief + workers):
        raise Mistake(f"{VARIABLE} must have an address for each worker. Received: {json.dumps(jobs)}")

    task = _member(content, "task", dict)
    job, index = task.get("type"), task.get("index")
    if job not in jobs:
        raise Mistake(f"{VARIABLE} must have one of {sorted(jobs)} as the task's type. Received: {json.dumps(job)}")
    if type(index) is not int or not 0 <= index < len(jobs[job]):
        raise Mistake(
            f"{VARIABLE} must have an index from 0 to {len(jobs[job]) - 1} for a task of type {job!r}. "
            f"Received: {json.dumps(index)}"
        )
    return Cluster(
        addresses=(*chief, *workers),
        tasks=(*["chief:0"][: len(chief)], *(f"worker:{number}" for number in range(len(workers)))),
        index=index + (len(chief) if job == "worker" else 0),
    )


def _member(content, name, kind):
    value = content.get(name) if isinstance(content, dict) else None
    if not isinstance(value, kind) or not value:
        raise Mistake(f"{VARIABLE} must have {name!r}, as in {_EXAMPLE}. Received: {json.dumps(content)}")
    return value


def _is_address(value):
    if not isinstance(value, str):
        return False
    host, _, port = value.rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) < 2**16
