"""Workers meet before TensorFlow starts: what is wrong is refused and reaches all, and nobody waits for who is gone."""

import contextlib
import dataclasses
import os
import signal
import socket
import threading
import time

import pytest

from keras_vae_cli import rendezvous
from keras_vae_cli.cluster import Cluster
from keras_vae_cli.command import Mistake
from keras_vae_cli.rendezvous import Rendezvous
from tests.cli.test_cluster import clusters


def together(members, act=lambda member: None):
    """Let members meet, each in a thread; return what each raised, or None."""
    found = [None] * len(members)
    met = threading.Barrier(len(members))

    def come(number, cluster):
        try:
            with Rendezvous(cluster) as member:
                member.started()
                met.wait(30)
                act(member)
        except (Exception, SystemExit) as error:
            found[number] = error
            met.abort()

    threads = [threading.Thread(target=come, args=each, daemon=True) for each in enumerate(members)]
    for thread in threads:
        thread.start()
        time.sleep(0.3)
    for thread in threads:
        thread.join(60)
    return found


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(rendezvous, "_PATIENCE", 2.0)


def test_workers_meet_in_whatever_order_they_come_and_open_their_ports_again(capsys):
    def open_again(member):
        address = member.cluster.addresses[member.cluster.index]
        with socket.create_server(("", int(address.split(":")[1]))):  # as TensorFlow does
            pass

    members = clusters(3)
    assert together(members[::-1], open_again) == [None] * 3
    assert f"Waiting for {', '.join(members[2].others)}\n" in capsys.readouterr().out


@pytest.mark.usefixtures("impatient")
def test_a_list_in_another_order_is_refused_by_all():
    first, second = clusters(2)
    swapped = dataclasses.replace(second, addresses=second.addresses[::-1], index=0)
    found = together([first, swapped])
    assert all(isinstance(error, Mistake) for error in found)
    assert any("must name the same workers in the same order on all machines. Received: " in str(e) for e in found)


@pytest.mark.usefixtures("impatient")
def test_another_program_at_a_workers_address_is_refused():
    first, second = clusters(2)
    with socket.create_server(("", int(second.addresses[1].split(":")[1]))) as other:

        def answer():
            with contextlib.suppress(OSError):
                while True:
                    with other.accept()[0] as connection:
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(Mistake, match=f"Received: {second.addresses[1]}, where another program answers"):
            Rendezvous(first).meet()


@pytest.mark.usefixtures("impatient")
def test_an_address_of_another_machine_is_refused():
    first, second = clusters(2)
    port = first.addresses[0].split(":")[1]
    elsewhere = Cluster(addresses=(f"192.0.2.1:{port}", second.addresses[1]), tasks=first.tasks, index=0)
    with pytest.raises(Mistake, match=f"must give this worker an address of its machine. Received: 192.0.2.1:{port}"):
        Rendezvous(elsewhere).meet()


def test_what_one_refuses_reaches_the_others():
    def refuse(member):
        if member.cluster.index == 2:
            member.leave("the data are others")
            time.sleep(1.0)
        else:
            until = time.monotonic() + 20
            while not member.reasons and time.monotonic() < until:
                time.sleep(0.05)
            told[member.cluster.index] = list(member.reasons)

    told, members = {}, clusters(3)
    assert together(members, refuse) == [None] * 3
    expected = [f"{members[2].addresses[2]} says: the data are others"]
    assert told == {0: expected, 1: expected}


def process(cluster, *, minutes=3.0):
    """Let a worker meet the others in a process of its own, and then wait as TensorFlow would."""
    reader, writer = os.pipe()
    number = os.fork()
    if number == 0:
        os.dup2(writer, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        rendezvous.START_MINUTES = minutes
        try:
            with Rendezvous(cluster):
                os.write(2, b"met\n")
                time.sleep(120)
        finally:
            os._exit(1)
    os.close(writer)
    return number, os.fdopen(reader, "rb", buffering=0)


@pytest.mark.parametrize("victim", [0, 1], ids=["chief", "worker"])
def test_who_is_killed_while_tensorflow_starts_ends_the_others(victim):
    workers = [process(cluster) for cluster in clusters(3)]
    try:
        for _, said in workers:
            assert said.readline() == b"met\n"
        start = time.monotonic()
        os.kill(workers[victim][0], signal.SIGKILL)
        for number, (worker, said) in enumerate(workers):
            _, status = os.waitpid(worker, 0)
            if number != victim:
                assert os.waitstatus_to_exitcode(status) == 75
                (line,) = said.read().decode().splitlines()
                assert line.startswith("keras-vae: a worker was lost: localhost:")
                assert line.endswith(" is gone, and TensorFlow had not started yet")
        assert time.monotonic() - start < 20
    finally:
        for worker, said in workers:
            said.close()
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)


def test_who_hangs_while_tensorflow_starts_ends_the_others():
    workers = [process(cluster, minutes=0.05) for cluster in clusters(2)]
    try:
        for _, said in workers:
            assert said.readline() == b"met\n"
        os.kill(workers[1][0], signal.SIGSTOP)
        _, status = os.waitpid(workers[0][0], 0)
        assert os.waitstatus_to_exitcode(status) == 75
        assert b"TensorFlow did not start within 0.05 minutes on all of them" in workers[0][1].read()
    finally:
        os.kill(workers[1][0], signal.SIGKILL)
        os.waitpid(workers[1][0], 0)
        for _, said in workers:
            said.close()


def test_strangers_at_the_port_do_no_harm():
    first, second = clusters(2)
    port = int(first.addresses[0].split(":")[1])
    is_over = threading.Event()

    def disturb():
        while not is_over.is_set():
            for content in (
                b"",
                b"GET / HTTP/1.1\r\n\r\n",
                b"\xff" * 100,
                b"[]\n",
                b'{"keras-vae": 1}\n',
                b"[" * 70_000,
            ):
                with contextlib.suppress(OSError), socket.create_connection(("localhost", port), 1) as stranger:
                    stranger.sendall(content)

    stranger = threading.Thread(target=disturb, daemon=True)
    stranger.start()
    try:
        assert together([first, second]) == [None, None]
    finally:
        is_over.set()
        stranger.join()
