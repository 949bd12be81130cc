"""Servers that drip, never end, or lie about shapes and types: always a `ServingError`, in time."""

import concurrent.futures
import contextlib
import gzip
import json
import socket
import threading
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

import keras_vae as kv

TIMEOUT = 1.5
FLOAT = {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "-1"}, {"size": "2"}]}}
SIGNATURES = {"signature_def": {"encode": {"inputs": {"x": FLOAT}, "outputs": {"mean": FLOAT, "scale": FLOAT}}}}
GOOD = {"outputs": {"mean": [[1.0, 2.0]], "scale": [[1, 2]]}}


def reply(content, *, status="200 OK", headers=()):
    """Return the bytes of an answer of HTTP."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def drip(content, after=0):
    """Send a byte each half second, each of them well within the time that one wait may take."""

    def send(connection):
        connection.sendall(content[:after])
        for byte in content[after:]:
            connection.sendall(bytes([byte]))
            time.sleep(0.5)

    return send


def for_ever(head, part):
    def send(connection):
        connection.sendall(head)
        while True:
            connection.sendall(part)

    return send


@contextlib.contextmanager
def server(answer, *, metadata=True):
    """Serve on loopback: good metadata, and then, to each request, an answer that is bytes or a function."""

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            while request := connection.recv(2**16):
                if metadata and b"/metadata" in request:
                    connection.sendall(reply({"metadata": {"signature_def": SIGNATURES}}))
                elif callable(answer):
                    answer(connection)
                    return
                else:
                    connection.sendall(answer)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://name:secret@127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def outputs(**changes):
    return reply({"outputs": {**GOOD["outputs"], **changes}})


HOSTILE = {
    "silent": lambda connection: time.sleep(30),
    "drips its head": drip(reply(GOOD)),
    "drips its body": drip(reply(GOOD), after=60),
    "a head without end": for_ever(b"HTTP/1.1 200 OK\r\n", b"X-More: more\r\n"),
    "a line without end": for_ever(b"HTTP/1.1 200 ", b"O" * 4096),
    "a body without end": for_ever(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10\r\n" + b"[" * 16 + b"\r\n"
    ),
    "a body too large": reply(b" " * 2_000_000),
    "packed": reply(gzip.compress(bytes(10_000_000)), headers=["Content-Encoding: gzip"]),
    "closes": lambda connection: connection.close(),
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "cut short": reply(GOOD)[:-9],
    "a page": reply(b"<html>\x1b[2J" + b"x" * 9000, headers=["Content-Type: text/html"]),
    "a redirect": reply(b"", status="302 Found", headers=["Location: http://127.0.0.1:1/"]),
    "an error with 200": reply({"error": "no such model\x1b[2J"}),
    "a list": reply([GOOD]),
    "null": reply(b"null"),
    "deep": reply(b"[" * 50_000),
    "no outputs": reply({"predictions": [[1.0, 2.0]]}),
    "outputs null": reply({"outputs": None}),
    "a name too few": reply({"outputs": {"mean": [[1.0, 2.0]]}}),
    "null in a row": outputs(mean=[[None, 2.0]]),
    "a string in a row": outputs(mean=[["1.0", "2.0"]]),
    "a row too few": outputs(mean=[]),
    "a row too many": outputs(mean=[[1.0, 2.0], [1.0, 2.0]]),
    "another width": outputs(mean=[[1.0, 2.0, 3.0]]),
    "ragged": outputs(mean=[[1.0], [1.0, 2.0]]),
    "truth values": outputs(mean=[[True, False]]),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_rest_server_of_any_kind_gives_a_serving_error_in_time(kind):
    with server(HOSTILE[kind]) as address, kv.export.RestClient(address, "m", timeout=TIMEOUT) as client:
        client.signatures()
        start = time.monotonic()
        with pytest.raises(kv.export.ServingError) as caught:
            client.predict("encode", x=np.ones((1, 2)))
        assert time.monotonic() - start < TIMEOUT + 3.0
    words = str(caught.value)
    assert "secret" not in words
    assert words.isprintable()
    assert len(words) < 1000


@pytest.mark.parametrize("content", [{}, {"metadata": 3}, {"metadata": {"signature_def": {"signature_def": 3}}}, GOOD])
def test_signatures_and_states_that_are_none_are_a_serving_error(content):
    with server(reply(content), metadata=False) as address, kv.export.RestClient(address, "m") as client:
        for verb in (client.signatures, client.status):
            with pytest.raises(kv.export.ServingError, match="must answer GET http://127.0.0.1:"):
                verb()


def test_a_good_answer_passes_and_a_connection_that_was_closed_is_opened_again():
    def once(connection):
        connection.sendall(reply(GOOD))

    with server(once) as address, kv.export.RestClient(address, "m", timeout=5.0) as client:
        for _ in range(3):
            found = client.predict("encode", x=np.ones((1, 2)))
            np.testing.assert_array_equal(found["scale"], np.float32([[1, 2]]))
            assert found["mean"].dtype == np.float32


def test_no_message_holds_a_password():
    for make, address in (
        (kv.export.RestClient, "ftp://name:secret@host"),
        (kv.export.RestClient, "http://name:secret@host:port"),
        (kv.export.GrpcClient, "name:secret@host:8500"),
    ):
        with pytest.raises(ValueError, match="`address` must") as caught:
            make(address, "m")
        assert "secret" not in str(caught.value)


def tensors(**changes):
    """Return the answer of gRPC with some tensors in the place of good ones."""
    answer = predict_pb2.PredictResponse()
    for name, tensor in {
        "mean": tf.make_tensor_proto([[1.0, 2.0]]),
        "scale": tf.make_tensor_proto([[1.0, 2.0]]),
        **changes,
    }.items():
        if tensor is not None:
            answer.outputs[name].CopyFrom(tensor)
    return answer


def vast(shape, **values):
    tensor = tf.make_tensor_proto([[1.0, 2.0]])
    del tensor.tensor_shape.dim[:]
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_content = b""
    tensor.float_val[:] = [1.0]
    return tensor


GRPC = {
    "slow": lambda: time.sleep(30),
    "another error": lambda: 1 / 0,
    "a name too few": lambda: tensors(mean=None),
    "a row too few": lambda: tensors(mean=tf.make_tensor_proto(np.zeros((0, 2), np.float32))),
    "another width": lambda: tensors(mean=tf.make_tensor_proto([[1.0, 2.0, 3.0]])),
    "another type": lambda: tensors(mean=tf.make_tensor_proto([[1, 2]])),
    "strings": lambda: tensors(mean=tf.make_tensor_proto([[b"1", b"2"]])),
    "12 TiB": lambda: tensors(mean=vast([1, 3 * 2**40])),
    "less than nothing": lambda: tensors(mean=vast([-5, 2])),
    "too large": lambda: tensors(mean=tf.make_tensor_proto(np.zeros(2_000_000, np.float32))),
    "no signatures": None,
}


class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, answer):
        self.answer = answer

    def Predict(self, request, context):
        return self.answer()

    def GetModelMetadata(self, request, context):
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        if self.answer is not None:
            from google.protobuf import json_format

            definitions = json_format.ParseDict(SIGNATURES, get_model_metadata_pb2.SignatureDefMap())
            answer.metadata["signature_def"].Pack(definitions)
        return answer


@pytest.mark.parametrize("kind", GRPC)
def test_a_grpc_server_of_any_kind_gives_a_serving_error_in_time(kind):
    rpc = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(GRPC[kind]), rpc)
    port = rpc.add_insecure_port("127.0.0.1:0")
    rpc.start()
    try:
        with kv.export.GrpcClient(f"127.0.0.1:{port}", "m", timeout=TIMEOUT, max_reply_bytes=2**20) as client:
            start = time.monotonic()
            with pytest.raises(kv.export.ServingError) as caught:
                client.predict("encode", x=np.ones((1, 2)))
            assert time.monotonic() - start < TIMEOUT + 3.0
        assert str(caught.value).isprintable()
    finally:
        rpc.stop(grace=None)
