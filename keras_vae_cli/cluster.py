"""The machines that train together: who they are, from TF_CONFIG, and the loss of one."""

import contextlib
import dataclasses
import json
import os
import re

import typer

from keras_vae_cli.command import Mistake

VARIABLE = "TF_CONFIG"
_EXAMPLE = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cluster:
    """The workers of a run, and which of them this process is."""

    addresses: tuple  # host:port of each, the chief first
    tasks: tuple  # what TensorFlow calls them: "worker:0" and so on
    index: int  # of this worker

    @property
    def is_chief(self):
        return self.index == 0

    @property
    def others(self):
        return tuple(address for number, address in enumerate(self.addresses) if number != self.index)

    def __str__(self):
        return f"worker {self.index} of {len(self.addresses)}"


def cluster_of(strategy, environment):
    """Find out who takes part in a run; None where this process trains alone."""
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
    match = re.fullmatch(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+):([0-9]{1,5})", value) if isinstance(value, str) else None
    return match is not None and 0 < int(match[1]) < 2**16


class LostWorker(typer.TyperException):
    """Another worker is gone, and the run with it; the message says how to go on."""

    exit_code = os.EX_TEMPFAIL  # a scheduler may try again

    def __init__(self, message):
        super().__init__(f"a worker was lost: {message}")


@contextlib.contextmanager
def as_lost_worker(cluster, how_to_go_on, reasons=()):
    """Turn TensorFlow's words for a broken connection into a `LostWorker`, with the reasons that others gave."""
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
        why = "; ".join(reasons) or _whereabouts(cluster, str(error))
        raise LostWorker(f"{why}. {how_to_go_on()}".strip()) from error


def _whereabouts(cluster, words):
    """Return the worker to which the connection broke."""
    found = {f"{job}:{number}" for job, number in re.findall(r"/job:(\w+)/(?:replica:0/)?task:(\d+)", words)}
    silent = [
        address
        for task, address in zip(cluster.tasks, cluster.addresses, strict=True)
        if task in found and address in cluster.others
    ]
    return f"{' and '.join(silent or ['another one'])} does not answer, and its own last words may say why"
