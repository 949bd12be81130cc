"""How the workers of a run meet before TensorFlow starts, and hear of each other until it has.

Each listens on its own address and asks all others who they are: whether they mean the same run, and whether they are
who TF_CONFIG says. What one of them refuses, all hear. When all have seen all, each keeps a connection to the chief;
where one is gone before TensorFlow has started, which would wait for it, the connection breaks and the others end.
"""

import contextlib
import json
import os
import secrets
import socket
import threading
import time

from keras_vae_cli.cluster import LostWorker
from keras_vae_cli.command import Mistake, complain_at_once, printable
from keras_vae_cli.interruption import Interrupted, heed
from keras_vae_cli.screen import say

# A scheduler may start some machines later than others.
MINUTES = 10
# TensorFlow itself would wait without an end.
START_MINUTES = 3
# How long something may be odd before it is refused: an earlier run may still be ending.
_PATIENCE = 10.0
_PAUSE = 0.2
_WAIT = 2.0
_MOST_BYTES = 2**16


class Rendezvous:
    """This worker's end of the meeting, as a context manager whose block starts TensorFlow and says so by `started`."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.reasons = []  # why others have left, as they said
        self._nonce = secrets.token_hex(8)
        self._seen = set()  # numbers of those that are who they should be
        self._there, self._told = set(), set()  # nonces of those that have answered, and that have heard the end
        self._refused = None
        self._lines = {}  # to whom a connection is kept
        self._has_started = threading.Event()
        self._is_closed = False

    def meet(self):
        """Wait until all workers have seen all others."""
        with contextlib.closing(_listening(self.cluster)) as listener, _shut(listener):
            threading.Thread(target=self._answer_all, args=(listener,), daemon=True).start()
            try:
                self._see_all()
                self._keep_lines()
            except (Mistake, Interrupted) as error:
                self._refused = error.message
                self._linger()
                raise
            self._linger()
        for index, line in self._lines.items():
            threading.Thread(target=self._watch, args=(index, line), daemon=True).start()
        threading.Thread(target=self._time_out, daemon=True).start()

    def __enter__(self):
        self.meet()
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, (Mistake, Interrupted)):
            self.leave(error.message)
        self.close()

    def started(self):
        """Note that TensorFlow has started, and finds out itself from now on who is gone."""
        self._has_started.set()

    def leave(self, reason):
        """Send the others the reason why this worker ends."""
        self._tell(f"{self.cluster.addresses[self.cluster.index]} says: {reason}")

    def close(self):
        """Close all connections."""
        self._is_closed = True
        self._has_started.set()
        for line in self._lines.values():
            line.close()

    def _see_all(self):
        everyone = set(range(len(self.cluster.addresses)))
        ready, odd, said, end = set(), {}, 0.0, time.monotonic() + 60 * MINUTES
        while ready < everyone:
            heed()
            missing = []
            for index in sorted(everyone - ready):
                address = self.cluster.addresses[index]
                answer = _ask(address, self._question())
                if isinstance(answer, dict):
                    self._there.add(answer["nonce"])
                reason = answer if isinstance(answer, str) else self._what_is_wrong(index, address, answer)
                if answer is not None and reason is None:
                    odd.pop(index, None)
                    self._seen.add(index)
                    if everyone <= set(answer["seen"]):
                        ready.add(index)
                    continue
                if index == self.cluster.index:
                    # This worker listens by now: on its own machine it would hear itself.
                    reason = reason or f"TF_CONFIG must give this worker an address of its machine. Received: {address}"
                else:
                    missing.append(address)
                if reason is not None and time.monotonic() - odd.setdefault(index, time.monotonic()) > _PATIENCE:
                    raise Mistake(reason)
            now = time.monotonic()
            if missing and now >= end:
                raise LostWorker(f"{', '.join(missing)} did not come up within {MINUTES:g} minutes")
            if missing and now >= said:
                say(f"Waiting for {', '.join(missing)}")
                said = now + 60
            if ready < everyone:
                time.sleep(_PAUSE)

    def _what_is_wrong(self, index, address, answer):
        """Return what is wrong with an answer, or None; what cannot become right is raised."""
        if answer is None:
            return None
        if answer["refused"]:
            raise Mistake(f"{address} says: {answer['refused']}")
        if answer["addresses"] != list(self.cluster.addresses):
            theirs = ", ".join(map(str, answer["addresses"]))
            raise Mistake(
                "TF_CONFIG must name the same workers in the same order on all machines. "
                f"Received: {', '.join(self.cluster.addresses)} here, and {theirs} at {address}"
            )
        is_other = index == self.cluster.index and answer["nonce"] != self._nonce
        if answer["index"] != index or is_other:
            return (
                f"TF_CONFIG must give each worker an address of its own. Received: at {address}, of worker {index}, "
                f"there is {'another process' if is_other else 'worker ' + str(answer['index'])}"
            )
        return None

    def _question(self, stay=False):
        return {"keras-vae": 1, "index": self.cluster.index, "nonce": self._nonce, "stay": stay}

    def _keep_lines(self):
        """Keep a connection to the chief; the chief has one from each."""
        end = time.monotonic() + _PATIENCE
        if not self.cluster.is_chief:
            address = self.cluster.addresses[0]
            connection = _connected(address)
            if connection is None:
                raise LostWorker(f"{address} is gone again")
            _send(connection, self._question(stay=True))
            self._lines[0] = connection
        while self.cluster.is_chief and len(self._lines) < len(self.cluster.others):
            heed()
            if time.monotonic() > end:
                raise LostWorker("a worker is gone again")
            time.sleep(_PAUSE)

    def _linger(self):
        """Answer until all others have heard that all is well, or what was refused."""
        end = time.monotonic() + _PATIENCE
        while self._there - self._told - {self._nonce} and time.monotonic() < end:
            time.sleep(_PAUSE)

    def _answer_all(self, listener):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._answer, args=(listener.accept()[0],), daemon=True).start()

    def _answer(self, connection):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            connection.settimeout(_WAIT)
            question = _read(connection)
            if question["keras-vae"] == 1 and question["stay"] and question["index"] in self._seen:
                self._lines[question["index"]] = connection
                return
            everyone = set(range(len(self.cluster.addresses)))
            is_final = self._refused is not None or self._seen >= everyone
            hello = {"keras-vae": 1, "index": self.cluster.index, "addresses": list(self.cluster.addresses)}
            hello |= {"nonce": self._nonce, "seen": sorted(self._seen), "refused": self._refused}
            _send(connection, hello)
            if is_final:
                self._told.add(question["nonce"])
        connection.close()

    def _watch(self, index, line):
        """Hear what another worker says, and end where it is gone before TensorFlow has started."""
        address = self.cluster.addresses[index]
        line.settimeout(None)
        with contextlib.suppress(OSError, ValueError):
            while not self._is_closed:
                words = printable(str(_read(line)["reason"]))[:500]
                self.reasons.append(words)
                self._tell(words, but=index)
        if not self._has_started.is_set():
            self._end(self.reasons[-1] if self.reasons else f"{address} is gone, and TensorFlow had not started yet")

    def _time_out(self):
        if not self._has_started.wait(60 * START_MINUTES):
            self._end(f"TensorFlow did not start within {START_MINUTES:g} minutes on all of them")

    def _tell(self, words, but=None):
        for index, line in self._lines.items():
            if index != but:
                with contextlib.suppress(OSError):
                    _send(line, {"reason": words})

    def _end(self, reason):
        """End the process from a thread: TensorFlow, which the main one waits for, can't be woken."""
        self._tell(reason)
        complain_at_once(f"a worker was lost: {reason}")
        os._exit(LostWorker.exit_code)


def _listening(cluster):
    address = cluster.addresses[cluster.index]
    port = int(address.rpartition(":")[2])
    try:
        return socket.create_server(("", port), backlog=2 * len(cluster.addresses))
    except OSError as error:
        raise Mistake(
            f"TF_CONFIG must give this worker a port of its own. Received: {address} ({os.strerror(error.errno)})"
        ) from error


@contextlib.contextmanager
def _shut(listener):
    """At the end wake the thread that listens: while it does, the port stays taken."""
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)


def _ask(address, question):
    """Return who is at an address; None where nobody is, and words where it is another program."""
    connection = _connected(address)
    if connection is None:
        return None
    with connection:
        try:
            connection.settimeout(_WAIT)
            _send(connection, question)
            answer = _read(connection)
            known = {"index": int, "addresses": list, "nonce": str, "seen": list}
            if answer.get("keras-vae") == 1 and all(isinstance(answer.get(name), kind) for name, kind in known.items()):
                return {**answer, "refused": answer.get("refused") and printable(str(answer["refused"]))[:500]}
        except (OSError, ValueError, AttributeError):
            pass
    return f"TF_CONFIG must name workers of this run. Received: {address}, where another program answers"


def _connected(address):
    host, _, port = address.rpartition(":")
    try:
        return socket.create_connection((host.strip("[]"), int(port)), timeout=1.0)
    except OSError:
        return None


def _send(connection, content):
    connection.sendall(json.dumps(content).encode() + b"\n")


def _read(connection):
    """Read one line of JSON."""
    line = b""
    while not line.endswith(b"\n"):
        part = connection.recv(1)
        if not part or len(line) > _MOST_BYTES:
            raise ValueError("no line")
        line += part
    try:
        return json.loads(line)
    except RecursionError as error:
        raise ValueError("no line") from error
