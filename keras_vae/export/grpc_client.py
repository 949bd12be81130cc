"""A client of TensorFlow Serving's gRPC API."""

from typing import Any

import tensorflow as tf

from keras_vae.export.extras import import_extra
from keras_vae.export.serving_client import ServingClient, ServingError


class GrpcClient(ServingClient):
    """A client of one model through TensorFlow Serving's gRPC API: tensors as bytes, many times faster than JSON.

    Parameters
    ----------
    address : str
        The server, as in "localhost:8500".
    model : str
        The model's name on the server.
    credentials : grpc.ChannelCredentials, optional
        For TLS, as `grpc.ssl_channel_credentials()` makes them; the connection is open to readers by default.
    **options
        `version`, `label` and `timeout`, as in `ServingClient`.

    Raises
    ------
    ImportError
        If the extra `serving` is not installed.
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> with GrpcClient("localhost:8500", "fashion_mnist") as client:
    ...     code = client.predict("encode", x=images)["mean"]
    """

    def __init__(self, address: str, model: str, *, credentials: Any = None, **options: Any):
        super().__init__(address, model, **options)
        if "://" in str(address) or ":" not in str(address):
            raise ValueError(f'`address` must be as in "localhost:8500". Received: address={address!r}')
        self._grpc = import_extra("grpc", extra="serving")
        apis = "tensorflow_serving.apis"
        self._messages = {
            name: import_extra(f"{apis}.{name}_pb2", extra="serving")
            for name in ("predict", "get_model_metadata", "get_model_status")
        }
        # A reply may be larger than the 4 MiB that a client takes by default.
        limits = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        if credentials is None:
            self._channel = self._grpc.insecure_channel(address, limits)
        else:
            self._channel = self._grpc.secure_channel(address, credentials, limits)
        services = import_extra(f"{apis}.prediction_service_pb2_grpc", extra="serving")
        self._prediction = services.PredictionServiceStub(self._channel)
        services = import_extra(f"{apis}.model_service_pb2_grpc", extra="serving")
        self._models = services.ModelServiceStub(self._channel)

    def status(self) -> dict[int, str]:
        """Return the state of the model's versions, as in `ServingClient`."""
        messages = self._messages["get_model_status"]
        request = self._to_model(messages.GetModelStatusRequest())
        answer = self._ask(self._models.GetModelStatus, request)
        name_of = messages.ModelVersionStatus.State.Name
        return {entry.version: name_of(entry.state) for entry in answer.model_version_status}

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _predict(self, signature, arrays, outputs):
        request = self._to_model(self._messages["predict"].PredictRequest())
        request.model_spec.signature_name = signature
        for name, array in arrays.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
        answer = self._ask(self._prediction.Predict, request)
        return {name: tf.make_ndarray(answer.outputs[name]) for name in outputs}

    def _signature_definitions(self):
        messages = self._messages["get_model_metadata"]
        request = self._to_model(messages.GetModelMetadataRequest(metadata_field=["signature_def"]))
        definitions = messages.SignatureDefMap()
        self._ask(self._prediction.GetModelMetadata, request).metadata["signature_def"].Unpack(definitions)
        return definitions

    def _to_model(self, request):
        request.model_spec.name = self.model
        if self.version is not None:
            request.model_spec.version.value = self.version
        elif self.label is not None:
            request.model_spec.version_label = self.label
        return request

    def _ask(self, method, request):
        try:
            return method(request, timeout=self.timeout)
        except self._grpc.RpcError as error:
            status = error.code().name
            asked = f"{type(request).__name__} for {self.model!r}"
            message = f"The server at {self.address} must answer {asked}. Received: {status} {error.details()}"
            raise ServingError(message, status) from error
