"""TF_CONFIG is read, and what is wrong with it told in one line, before anything starts."""

import json
import socket

import pytest

from keras_vae_cli import main, rendezvous
from keras_vae_cli.cluster import Cluster, LostWorker, as_lost_worker, cluster_of
from keras_vae_cli.command import Mistake
from keras_vae_cli.rendezvous import Rendezvous

TWO = {"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}}
WITH_CHIEF = {"cluster": {"chief": ["c:1"], "worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}}


def config(content):
    return {"TF_CONFIG": content if isinstance(content, str) else json.dumps(content)}


@pytest.mark.parametrize("strategy", ["auto", "multi-worker"])
def test_workers_are_counted_from_the_chief_which_is_the_first_where_none_is_named(strategy):
    cluster = cluster_of(strategy, config({**TWO, "environment": "cloud"}))
    assert (cluster.addresses, cluster.index, cluster.is_chief) == (("a:1", "b:2"), 1, False)
    assert (str(cluster), cluster.others) == ("worker 1 of 2", ("a:1",))
    cluster = cluster_of(strategy, config(WITH_CHIEF))
    assert (cluster.addresses, cluster.index, cluster.is_chief) == (("c:1", "a:1", "b:2"), 2, False)
    assert cluster.tasks == ("chief:0", "worker:0", "worker:1")
    assert cluster_of(strategy, config({**WITH_CHIEF, "task": {"type": "chief", "index": 0}})).is_chief


@pytest.mark.parametrize(
    ("strategy", "environment"),
    [
        ("auto", {}),
        ("auto", config("{}")),
        ("auto", config({"task": {"type": "worker", "index": 0}})),
        ("auto", config({"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}})),
        ("multi-worker", config({"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}})),
        ("none", config(TWO)),
        ("mirrored", config("nonsense")),
    ],
)
def test_a_process_alone_is_no_cluster(strategy, environment):
    assert cluster_of(strategy, environment) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "`--strategy` multi-worker must have the environment variable TF_CONFIG, .* Received: none"),
        ("{'cluster': 1}", r"TF_CONFIG must be JSON, .* Received: \{'cluster': 1\}"),
        ([], r"must have 'cluster', as in .* Received: \[\]"),
        ({}, "must have 'cluster'"),
        ({"cluster": {"worker": ["a:1"]}}, "must have 'task'"),
        ({**TWO, "cluster": {"worker": ["a:1"], "ps": ["b:1"]}}, "no tasks but a chief and workers. Received: 'ps'"),
        ({**TWO, "cluster": {"worker": "a:1"}}, "must have a list of host:port as 'worker'. Received: \"a:1\""),
        ({**TWO, "cluster": {"worker": ["a"]}}, "must have a list of host:port"),
        ({**TWO, "cluster": {"worker": ["http://a:1", "b:2"]}}, "must have a list of host:port"),
        ({**TWO, "cluster": {"worker": ["a:1/path", "b:2"]}}, "must have a list of host:port"),
        ({**TWO, "cluster": {"worker": ["a:1", "a:70000"]}}, "must have a list of host:port"),
        ({**TWO, "cluster": {"chief": ["a:1", "b:1"]}}, "one chief or none"),
        ({**TWO, "cluster": {"worker": ["a:1", "a:1"]}}, "must have an address for each worker"),
        ({**TWO, "task": {"type": "chief", "index": 0}}, r"must have one of \['worker'\] as the task's type"),
        ({**TWO, "task": {"type": "worker", "index": 2}}, "an index from 0 to 1 for .* Received: 2"),
        ({**TWO, "task": {"type": "worker", "index": "0"}}, 'an index from 0 to 1 .* Received: "0"'),
        ({**TWO, "task": {"type": "worker"}}, "an index from 0 to 1 .* Received: null"),
    ],
)
def test_a_mistake_in_tf_config_is_told(content, message):
    with pytest.raises(Mistake, match=message):
        cluster_of("multi-worker", config(content))


def test_a_mistake_in_tf_config_is_one_line_and_leaves_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{")
    assert main(["train", "digits", "--output", str(tmp_path / "run")]) == 2
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n")) == ("", 1)
    assert errors.startswith("keras-vae: TF_CONFIG must be JSON, such as ")
    assert list(tmp_path.iterdir()) == []


def free_ports(number):
    """Return ports that nobody uses just now."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def clusters(number):
    addresses = tuple(f"localhost:{port}" for port in free_ports(number))
    tasks = tuple(f"worker:{index}" for index in range(number))
    return [Cluster(addresses=addresses, tasks=tasks, index=index) for index in range(number)]


def test_a_worker_that_does_not_come_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(rendezvous, "MINUTES", 0.01)
    first, second = clusters(2)
    content = {"cluster": {"worker": first.addresses}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(content))
    assert main(["train", "digits", "--output", str(tmp_path / "run")]) == 75
    assert capsys.readouterr().err == (
        f"keras-vae: a worker was lost: {second.addresses[1]} did not come up within 0.01 minutes\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_named():
    first, _ = clusters(2)
    with (
        socket.create_server(("", int(first.addresses[0].split(":")[1]))),
        pytest.raises(Mistake, match="must give this worker a port of its own. Received: localhost:.*in use"),
    ):
        Rendezvous(first).meet()


def test_only_a_broken_connection_stands_for_a_lost_worker():
    from tensorflow import errors

    first, _, _ = clusters(3)
    words = "/job:worker/replica:0/task:0 aborted; remote target /job:worker/replica:0/task:2: Socket closed"
    with (
        pytest.raises(LostWorker, match=f"lost: {first.addresses[2]} does not answer, .* why. Again.$") as found,
        as_lost_worker(first, lambda: "Again."),
    ):
        raise errors.UnavailableError(None, None, words)
    assert found.value.exit_code == 75
    with (
        pytest.raises(LostWorker, match="lost: b:2 says: no room. Again.$"),
        as_lost_worker(first, lambda: "Again.", ["b:2 says: no room"]),
    ):
        raise errors.UnavailableError(None, None, words)
    with pytest.raises(errors.InvalidArgumentError), as_lost_worker(first, str):
        raise errors.InvalidArgumentError(None, None, words)
    with pytest.raises(errors.UnavailableError), as_lost_worker(None, str):
        raise errors.UnavailableError(None, None, words)
