"""Floor 5: models as files that a program without Python serves, and clients of the server."""

from keras_vae.export.grpc_client import GrpcClient
from keras_vae.export.litert import litert
from keras_vae.export.metadata import read_metadata
from keras_vae.export.onnx import onnx
from keras_vae.export.rest_client import RestClient
from keras_vae.export.saved_model import saved_model
from keras_vae.export.serving_client import ServingClient, ServingError, Signature
from keras_vae.export.warm_up import write_warm_up

__all__ = [
    "GrpcClient",
    "RestClient",
    "ServingClient",
    "ServingError",
    "Signature",
    "litert",
    "onnx",
    "read_metadata",
    "saved_model",
    "write_warm_up",
]
