"""The REST and the gRPC client get what Keras answers, and clear errors, from a server that speaks the protocol."""

import contextlib
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

import grpc
import numpy as np
import pytest
import requests
import tensorflow as tf

import keras_vae as kv
from tests.export import models, stand_in_server

GUIDE = (pathlib.Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
MODEL = "fashion_mnist"
REAL = "tensorflow_model_server"
kinds = pytest.mark.parametrize("kind", ["rest", "grpc"])


@pytest.fixture(scope="module")
def vaes():
    """Two models of one form with other weights: versions 1 and 2."""
    first, second = models.make("conv"), models.make("conv")
    second.set_weights([weight * 1.2 for weight in first.get_weights()])
    return {1: first, 2: second}


@pytest.fixture(scope="module")
def config_file(vaes, tmp_path_factory):
    """The guide's own configuration, with its versions."""
    folder = tmp_path_factory.mktemp("served")
    for version, vae in vaes.items():
        kv.export.saved_model(vae, folder / MODEL, version)
    (config,) = re.findall(r"```proto\n(model_config_list .*?)```", GUIDE, flags=re.DOTALL)
    path = folder / "models.config"
    path.write_text(config.replace("/models/fashion_mnist", str(folder / MODEL)))
    return path


@contextlib.contextmanager
def real_server(config_file):
    """Run TensorFlow Serving on loopback, and yield its addresses when it answers."""
    with socket.socket() as first, socket.socket() as second:
        for each in (first, second):
            each.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in (first, second)]
    command = [REAL, f"--rest_api_port={ports[0]}", f"--port={ports[1]}", f"--model_config_file={config_file}"]
    server = subprocess.Popen([*command, "--allow_version_labels_for_unavailable_models"])
    try:
        with kv.export.RestClient(f"http://127.0.0.1:{ports[0]}", MODEL) as client:
            for _ in range(300):
                with contextlib.suppress(kv.export.ServingError):
                    if set(client.status().values()) == {"AVAILABLE"}:
                        break
                time.sleep(0.1)
        yield f"http://127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}"
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="module", params=["stand-in", REAL])
def addresses(request, config_file):
    """Where a server has REST and gRPC."""
    if request.param == REAL and shutil.which(REAL) is None:
        pytest.skip(f"{REAL} is not on the PATH")
    serve = real_server if request.param == REAL else stand_in_server.serve
    with serve(config_file) as found:
        yield dict(zip(("rest", "grpc"), found, strict=True))


@pytest.fixture
def connect(addresses):
    """Make a client of a kind; it is closed after the test."""
    with contextlib.ExitStack() as stack:

        def make(kind, model=MODEL, **options):
            client = {"rest": kv.export.RestClient, "grpc": kv.export.GrpcClient}[kind]
            return stack.enter_context(client(addresses[kind], model, **options))

        yield make


@kinds
@pytest.mark.parametrize("signature", [name for name in models.SIGNATURES["conv"] if name != "generate"])
def test_every_signature_answers_as_keras_does(kind, signature, connect, vaes):
    client, given = connect(kind), models.request(vaes[2], 3)
    inputs = {name: given[name] for name in client.signatures()[signature].inputs}
    found, expected = client.predict(signature, **inputs), models.answer(vaes[2], signature, given)
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def by_class(tmp_path_factory):
    """A model that is given labels, and the addresses of a server that has it."""
    vae, folder = models.make("Labels"), tmp_path_factory.mktemp("by_class")
    kv.export.saved_model(vae, folder / "labels")
    config = folder / "models.config"
    config.write_text(
        f'model_config_list {{ config {{ name: "labels" base_path: "{folder / "labels"}" '
        'model_platform: "tensorflow" } }'
    )
    with stand_in_server.serve(config) as found:
        yield vae, dict(zip(("rest", "grpc"), found, strict=True))


@pytest.mark.soak
@kinds
@pytest.mark.parametrize("signature", ["encode", "decode", "score"])
def test_a_condition_travels_with_its_request(kind, signature, by_class):
    vae, addresses = by_class
    given = models.request(vae, 3)
    client_class = {"rest": kv.export.RestClient, "grpc": kv.export.GrpcClient}[kind]
    with client_class(addresses[kind], "labels") as client:
        inputs = {name: given[name] for name in client.signatures()[signature].inputs}
        assert "condition" in inputs
        found = client.predict(signature, **inputs)
    for name, value in models.answer(vae, signature, given).items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-5)


@kinds
def test_a_seed_gives_the_same_image_in_any_batch(kind, connect, vaes):
    client = connect(kind)
    three = client.predict("generate", seed=[[0, 1], [7, -5], [0, 2]])["mean"]
    one = client.predict("generate", seed=[[7, -5]])["mean"]
    assert three.shape == (3, *vaes[2].event_shape)
    np.testing.assert_allclose(three[1], one[0], atol=1e-6)
    assert np.abs(three[0] - three[2]).max() > 1e-3


@kinds
def test_versions_and_labels_choose_who_answers(kind, connect, vaes):
    x = models.request(vaes[1], 2)["x"]
    for version, chosen in ((2, {}), (1, {"version": 1}), (1, {"label": "stable"}), (2, {"label": "canary"})):
        found = connect(kind, **chosen).predict(x=x)["reconstruction"]
        np.testing.assert_allclose(found, vaes[version].reconstruct(x), atol=1e-5)
    assert np.abs(vaes[1].reconstruct(x) - vaes[2].reconstruct(x)).max() > 1e-2
    assert connect(kind).status() == {1: "AVAILABLE", 2: "AVAILABLE"}
    assert connect(kind, version=1).status() == {1: "AVAILABLE"}


@kinds
def test_the_served_signatures_are_told(kind, connect):
    found = connect(kind).signatures()
    assert set(found) == set(models.SIGNATURES["conv"])
    assert found["score"].inputs == {
        "x": tf.TensorSpec([None, 8, 6, 1], tf.float32, "x"),
        "seed": tf.TensorSpec([None, 2], tf.int32, "seed"),
    }
    assert set(found["encode"].outputs) == {"mean", "scale"}


@pytest.mark.parametrize(("kind", "unknown", "bad"), [("rest", 404, 400), ("grpc", "NOT_FOUND", "INVALID_ARGUMENT")])
def test_what_the_server_refuses_is_told_with_its_status(kind, unknown, bad, connect, vaes):
    for options in ({"model": "cifar10"}, {"version": 3}):
        with pytest.raises(kv.export.ServingError, match="must answer .* Received: .*not found|find") as refusal:
            connect(kind, **options).predict("generate", seed=[[0, 1]])
        assert refusal.value.status == unknown
    x = models.request(vaes[2], 2)["x"]
    with pytest.raises(kv.export.ServingError, match=r"`x` must be in \[0, 1\]") as refusal:
        connect(kind).predict("encode", x=x + 1)
    assert refusal.value.status == bad
    with pytest.raises(kv.export.ServingError) as refusal:
        connect(kind).predict("encode_bytes", image_bytes=[b"no image"])
    assert refusal.value.status == bad


@kinds
def test_a_server_that_is_not_there_is_named(kind):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    make = {"rest": kv.export.RestClient, "grpc": kv.export.GrpcClient}[kind]
    client = make(f"http://{address}" if kind == "rest" else address, MODEL, timeout=2.0)
    with client, pytest.raises(kv.export.ServingError, match=address) as refusal:
        client.status()
    assert refusal.value.status == (None if kind == "rest" else "UNAVAILABLE")


@kinds
def test_what_does_not_fit_the_signature_is_refused_before_it_is_sent(kind, connect):
    client, shape = connect(kind), r"`z` must have shape \(rows, 3\) with at least one row. Received: shape"
    for message, signature, inputs in (
        (r"`signature` must be one of \['decode', .*\]. Received: signature='sample'", "sample", {}),
        (r"inputs of 'score' must be \['seed', 'x'\]. Received: \['x'\]", "score", {"x": [[1.0]]}),
        (rf"{shape} \(2, 4\)", "decode", {"z": np.ones((2, 4))}),
        (rf"{shape} \(0, 3\)", "decode", {"z": np.ones((0, 3))}),
        (r"`seed` must be of type int32. Received: seed of type float64", "generate", {"seed": [[0.5, 1.0]]}),
        (r"`seed` must be of type int32. Received: seed of type int64", "generate", {"seed": [[2**31, 1]]}),
        (r"`image_bytes` must hold bytes. Received: image_bytes=\['a'\]", "encode_bytes", {"image_bytes": ["a"]}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            client.predict(signature, **inputs)


def test_bad_arguments_of_clients_are_refused():
    for message, make, options in (
        ("`address` must begin with http:// or https://. Received: address='localhost'", kv.export.RestClient, {}),
        ("`address` must be as in \"localhost:8500\". Received: address='localhost'", kv.export.GrpcClient, {}),
        ("`model` must be the model's name on the server. Received: model=''", kv.export.RestClient, {"model": ""}),
        ("`version` and `label` must not be given together", kv.export.RestClient, {"version": 1, "label": "stable"}),
        ("`timeout` must be > 0", kv.export.GrpcClient, {"timeout": 0}),
        ("`version` must be >= 0. Received: version=-1", kv.export.GrpcClient, {"version": -1}),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            make("localhost", **{"model": MODEL, **options})


def test_rest_takes_rows_and_columns_with_and_without_names(addresses, vaes):
    url, given = f"{addresses['rest']}/v1/models/{MODEL}:predict", models.request(vaes[2], 2)
    x, seed = given["x"].tolist(), given["seed"].tolist()
    expected = models.answer(vaes[2], "encode", given)

    def post(**body):
        answer = requests.post(url, json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    for inputs in (x, {"x": x}):
        found = post(signature_name="encode", inputs=inputs)["outputs"]
        np.testing.assert_allclose(found["scale"], expected["scale"], atol=1e-5)
    for instances in (x, [{"x": row} for row in x]):
        found = post(signature_name="encode", instances=instances)["predictions"]
        np.testing.assert_allclose([row["mean"] for row in found], expected["mean"], atol=1e-5)
    found = post(instances=x)["predictions"]  # one output has no name
    np.testing.assert_allclose(found, models.answer(vaes[2], "reconstruct", given)["reconstruction"], atol=1e-5)
    rows = [{"x": row, "seed": pair} for row, pair in zip(x, seed, strict=True)]
    found = post(signature_name="score", instances=rows)["predictions"]
    expected = models.answer(vaes[2], "score", given)["elbo"]
    np.testing.assert_allclose([row["elbo"] for row in found], expected, rtol=1e-5)


def test_rest_answers_bad_requests_with_their_codes(addresses):
    url = f"{addresses['rest']}/v1/models/{MODEL}"
    for status, path, body in (
        (400, ":predict", "{"),
        (400, ":predict", "[]"),
        (400, ":predict", json.dumps({"signature_name": "generate"})),
        (400, ":predict", json.dumps({"inputs": [[0, 1]], "instances": [[0, 1]]})),
        (400, ":predict", json.dumps({"signature_name": "nothing", "instances": [[0, 1]]})),
        (400, ":predict", json.dumps({"signature_name": "generate", "instances": []})),
        (400, ":predict", json.dumps({"signature_name": "generate", "instances": [["a", "b"]]})),
        (400, ":predict", json.dumps({"signature_name": "generate", "instances": [[0, 1], [2]]})),
        (400, ":predict", json.dumps({"signature_name": "score", "inputs": {"seed": [[0, 1]]}})),
        (404, "/versions/3:predict", json.dumps({"signature_name": "generate", "instances": [[0, 1]]})),
    ):
        answer = requests.post(f"{url}{path}", data=body, timeout=10)
        assert answer.status_code == status, (body, answer.text)
        assert answer.json()["error"]


def test_grpc_answers_bad_requests_with_their_codes(addresses):
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    with grpc.insecure_channel(addresses["grpc"]) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for code, signature, name in (
            (grpc.StatusCode.FAILED_PRECONDITION, "nothing", "seed"),
            (grpc.StatusCode.INVALID_ARGUMENT, "generate", "sed"),
            (grpc.StatusCode.INVALID_ARGUMENT, "decode", "z"),
        ):
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = MODEL, signature
            request.inputs[name].CopyFrom(tf.make_tensor_proto([[0, 1]], tf.int32))
            with pytest.raises(grpc.RpcError) as error:
                stub.Predict(request, timeout=10)
            assert error.value.code() == code, (signature, error.value.details())


@kinds
def test_the_programs_in_the_guide_run(kind, addresses, vaes, tmp_path, monkeypatch):
    programs = re.findall(rf"<!-- run: {kind} -->\n```python\n(.*?)```", GUIDE, flags=re.DOTALL)
    assert len(programs) == 2
    image = models.pixels(vaes[2], 1)[0]
    (tmp_path / "image.png").write_bytes(tf.io.encode_png(image).numpy())
    monkeypatch.chdir(tmp_path)
    results = {}
    for program in programs:
        program = program.replace("http://localhost:8501", addresses["rest"])
        exec(program.replace("localhost:8500", addresses["grpc"]), results)
    assert results["images"].shape == (2, *vaes[2].event_shape)
    if kind == "rest":
        x = models.observations(vaes[2], image[None])
        np.testing.assert_allclose(results["reconstruction"], vaes[2].reconstruct(x)[0], atol=1e-5)
        np.testing.assert_allclose(results["code"], vaes[2].encode(x), atol=1e-5)


def test_an_extra_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(ImportError, match=r"pip install 'keras-vae\[serving\]'"):
        kv.export.GrpcClient("localhost:8500", MODEL)
