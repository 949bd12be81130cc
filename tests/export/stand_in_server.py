"""A stand-in for TensorFlow Serving's model server: it speaks the protocol, and runs models in Python.

It is built on the servicer classes of `tensorflow-serving-api` and on `tf.saved_model.load`, reads the real server's
`--model_config_file`, and answers REST as its JSON rules say: https://www.tensorflow.org/tfx/serving/api_rest. It is
for tests: it neither batches nor looks for new versions, and is slow.
"""

import base64
import binascii
import concurrent.futures
import contextlib
import http.server
import json
import pathlib
import re
import threading
import urllib.parse

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format, text_format
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2

CODES = grpc.StatusCode
HTTP = {CODES.INVALID_ARGUMENT: 400, CODES.FAILED_PRECONDITION: 400, CODES.NOT_FOUND: 404}
AVAILABLE = get_model_status_pb2.ModelVersionStatus.AVAILABLE


class Refusal(Exception):
    """An error with a status of gRPC."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Servable:
    """One version of a model."""

    def __init__(self, directory):
        definition = saved_model_pb2.SavedModel.FromString((directory / "saved_model.pb").read_bytes())
        self.definitions = definition.meta_graphs[0].signature_def
        self.functions = tf.saved_model.load(str(directory)).signatures

    def definition(self, signature, code):
        if signature not in self.definitions:
            raise Refusal(code, f'Serving signature name: "{signature}" not found in signature def')
        return self.definitions[signature]

    def run(self, signature, arrays):
        definition = self.definition(signature, CODES.FAILED_PRECONDITION)
        if set(arrays) != set(definition.inputs):
            raise Refusal(
                CODES.INVALID_ARGUMENT,
                f"input size does not match signature: {sorted(arrays)} and {sorted(definition.inputs)}",
            )
        for name, array in arrays.items():
            info = definition.inputs[name]
            if tf.as_dtype(info.dtype) != tf.as_dtype(array.dtype):
                raise Refusal(CODES.INVALID_ARGUMENT, f"Expects arg {name} to be {tf.as_dtype(info.dtype).name}")
            if not tf.TensorShape(info.tensor_shape).is_compatible_with(array.shape):
                raise Refusal(CODES.INVALID_ARGUMENT, f"Shape of {name} is incompatible: {array.shape}")
        try:
            outputs = self.functions[signature](**{name: tf.constant(array) for name, array in arrays.items()})
        except tf.errors.OpError as error:
            raise Refusal(next(code for code in CODES if code.value[0] == error.error_code), error.message) from error
        return {name: tensor.numpy() for name, tensor in outputs.items()}


class Servables:
    """The models and versions that a configuration names."""

    def __init__(self, config_file):
        config = model_server_config_pb2.ModelServerConfig()
        text_format.Parse(pathlib.Path(config_file).read_text(), config)
        self.models, self.labels = {}, {}
        for model in config.model_config_list.config:
            path = pathlib.Path(model.base_path)
            there = sorted(int(entry.name) for entry in path.iterdir() if entry.name.isdigit())
            versions = list(model.model_version_policy.specific.versions) or there[-1:]
            self.models[model.name] = {version: Servable(path / str(version)) for version in versions}
            self.labels[model.name] = dict(model.version_labels)

    def versions(self, spec):
        """Return the versions that a request is about, the one that answers it last."""
        versions = self.models.get(spec.name, {})
        wanted = self.labels[spec.name].get(spec.version_label) if spec.version_label and versions else None
        if spec.version_label and versions and wanted is None:
            raise Refusal(CODES.INVALID_ARGUMENT, f"Unrecognized servable version label: {spec.version_label}")
        wanted = spec.version.value if spec.HasField("version") else wanted
        found = sorted(versions) if wanted is None else [version for version in versions if version == wanted]
        if not found:
            asked = f"Latest({spec.name})" if wanted is None else f"Specific({spec.name}, {wanted})"
            raise Refusal(CODES.NOT_FOUND, f"Servable not found for request: {asked}")
        return found

    def find(self, spec):
        version = self.versions(spec)[-1]
        return version, self.models[spec.name][version]

    def predict(self, request):
        version, servable = self.find(request.model_spec)
        signature = request.model_spec.signature_name or "serving_default"
        outputs = servable.run(signature, {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()})
        response = predict_pb2.PredictResponse(model_spec=request.model_spec)
        response.model_spec.version.value = version
        response.model_spec.signature_name = signature
        for name, array in outputs.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(array))
        return response

    def metadata(self, spec):
        version, servable = self.find(spec)
        response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=spec)
        response.model_spec.version.value = version
        definitions = get_model_metadata_pb2.SignatureDefMap()
        for name, definition in servable.definitions.items():
            definitions.signature_def[name].CopyFrom(definition)
        response.metadata["signature_def"].Pack(definitions)
        return response, definitions

    def status(self, spec):
        response = get_model_status_pb2.GetModelStatusResponse()
        if spec.name not in self.models:
            raise Refusal(CODES.NOT_FOUND, f"Could not find any versions of model {spec.name}")
        for version in self.versions(spec):
            response.model_version_status.add(version=version, state=AVAILABLE)
        return response


@contextlib.contextmanager
def refusing(context):
    """Turn a refusal into a status of gRPC."""
    try:
        yield
    except Refusal as refusal:
        context.abort(refusal.code, str(refusal))


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, servables):
        self.servables = servables

    def Predict(self, request, context):
        with refusing(context):
            return self.servables.predict(request)

    def GetModelMetadata(self, request, context):
        with refusing(context):
            if list(request.metadata_field) != ["signature_def"]:
                raise Refusal(CODES.INVALID_ARGUMENT, f"Metadata field {list(request.metadata_field)} is not supported")
            return self.servables.metadata(request.model_spec)[0]


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, servables):
        self.servables = servables

    def GetModelStatus(self, request, context):
        with refusing(context):
            return self.servables.status(request.model_spec)


class RestHandler(http.server.BaseHTTPRequestHandler):
    """`GET /v1/models/NAME[/versions/N|/labels/L][/metadata]` and `POST ...:predict`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    path_form = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?(/metadata)?(:predict)?")

    def do_GET(self):
        self.answer(self.read)

    def do_POST(self):
        self.answer(self.predict)

    def answer(self, method):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            match = self.path_form.fullmatch(self.path)
            if match is None:
                raise Refusal(CODES.INVALID_ARGUMENT, f"Malformed request: {self.command} {self.path}")
            request = predict_pb2.PredictRequest()
            request.model_spec.name = urllib.parse.unquote(match[1])
            if match[2]:
                request.model_spec.version.value = int(match[2])
            if match[3]:
                request.model_spec.version_label = urllib.parse.unquote(match[3])
            status, content = 200, method(request, body, match[4], match[5])
        except Refusal as refusal:
            status, content = HTTP.get(refusal.code, 500), {"error": str(refusal)}
        content = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def read(self, request, body, wants_metadata, is_predict):
        if is_predict:
            raise Refusal(CODES.INVALID_ARGUMENT, f"Malformed request: GET {self.path}")
        form = {"preserving_proto_field_name": True, "always_print_fields_with_no_presence": True}
        if not wants_metadata:
            return json_format.MessageToDict(self.server.servables.status(request.model_spec), **form)
        response, definitions = self.server.servables.metadata(request.model_spec)
        # As the real server writes it: without the `@type` of the message inside the message.
        return {
            "model_spec": json_format.MessageToDict(response.model_spec, **form),
            "metadata": {"signature_def": json_format.MessageToDict(definitions, **form)},
        }

    def predict(self, request, body, wants_metadata, is_predict):
        if not is_predict:
            raise Refusal(CODES.INVALID_ARGUMENT, f"Malformed request: POST {self.path}")
        try:
            given = json.loads(body)
        except ValueError as error:
            raise Refusal(CODES.INVALID_ARGUMENT, f"JSON Parse error: {error}") from error
        if not isinstance(given, dict) or len({"instances", "inputs"} & set(given)) != 1:
            raise Refusal(CODES.INVALID_ARGUMENT, "Expecting one of 'inputs' or 'instances' keys to exist")
        signature = request.model_spec.signature_name = given.get("signature_name", "serving_default")
        _, servable = self.server.servables.find(request.model_spec)
        inputs = servable.definition(signature, CODES.INVALID_ARGUMENT).inputs
        is_rows = "instances" in given
        values = columns_of_instances(given["instances"], inputs) if is_rows else columns(given["inputs"], inputs)
        for name, value in values.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(tensor(value, tf.as_dtype(inputs[name].dtype))))
        response = self.server.servables.predict(request)
        outputs = {name: tf.make_ndarray(output).tolist() for name, output in response.outputs.items()}
        if len(outputs) == 1:
            return dict(zip(["predictions" if is_rows else "outputs"], outputs.values(), strict=True))
        if not is_rows:
            return {"outputs": outputs}
        rows = zip(*outputs.values(), strict=True)
        return {"predictions": [dict(zip(outputs, row, strict=True)) for row in rows]}

    def log_message(self, *arguments):
        pass


def is_named(value):
    return isinstance(value, dict) and set(value) != {"b64"}


def columns(given, inputs):
    """Return the inputs by name, of which a lone one may be given without."""
    if not is_named(given):
        if len(inputs) > 1:
            raise Refusal(CODES.INVALID_ARGUMENT, "inputs is a plain value/list, but expecting an object")
        return dict.fromkeys(inputs, given)
    for name in inputs:
        if name not in given:
            raise Refusal(CODES.INVALID_ARGUMENT, f"Missing named input: {name} in 'inputs' object.")
    return {name: given[name] for name in inputs}


def columns_of_instances(given, inputs):
    """Return the inputs by name from a list of rows."""
    if not isinstance(given, list) or not given:
        raise Refusal(CODES.INVALID_ARGUMENT, "Expecting 'instances' to be a list with values")
    if not is_named(given[0]):
        return columns(given, inputs)
    for number, row in enumerate(given):
        if not is_named(row) or set(row) != set(inputs):
            message = f"Failed to process element: {number} of 'instances' list: keys must be {sorted(inputs)}"
            raise Refusal(CODES.INVALID_ARGUMENT, message)
    return {name: [row[name] for row in given] for name in inputs}


def tensor(value, dtype):
    """Make an array of a JSON value: numbers in nested lists, and bytes as `{"b64": ...}`."""

    def leaf(value):
        if isinstance(value, list):
            return [leaf(part) for part in value]
        if dtype == tf.string and isinstance(value, dict):
            return base64.b64decode(value["b64"], validate=True)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or (dtype.is_integer and not isinstance(value, int)):
            raise ValueError(f"JSON Value: {json.dumps(value)} is not of expected type: {dtype.name}")
        return value

    try:
        return np.array(leaf(value), object if dtype == tf.string else dtype.as_numpy_dtype)
    except (ValueError, KeyError, OverflowError, binascii.Error) as error:
        raise Refusal(CODES.INVALID_ARGUMENT, str(error)) from error


@contextlib.contextmanager
def serve(config_file):
    """Serve on loopback, and yield the addresses of REST and of gRPC."""
    servables = Servables(config_file)
    rest = http.server.ThreadingHTTPServer(("127.0.0.1", 0), RestHandler)
    rest.servables = servables
    rpc = grpc.server(concurrent.futures.ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", -1)])
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(servables), rpc)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(servables), rpc)
    port = rpc.add_insecure_port("127.0.0.1:0")
    rpc.start()
    thread = threading.Thread(target=rest.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{rest.server_port}", f"127.0.0.1:{port}"
    finally:
        rest.shutdown()
        rest.server_close()
        thread.join()
        rpc.stop(grace=1).wait()
