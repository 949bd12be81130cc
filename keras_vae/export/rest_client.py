"""A client of TensorFlow Serving's REST API."""

import base64
import urllib.parse
from typing import Any

import numpy as np

from keras_vae.export.extras import import_extra
from keras_vae.export.serving_client import ServingClient, ServingError


class RestClient(ServingClient):
    """A client of one model through TensorFlow Serving's REST API: JSON over HTTP, one connection kept open.

    Parameters
    ----------
    address : str
        The server, as in "http://localhost:8501".
    model : str
        The model's name on the server.
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
    >>> with RestClient("http://localhost:8501", "fashion_mnist") as client:
    ...     images = client.predict("generate", seed=[[0, 1], [0, 2]])["mean"]
    """

    def __init__(self, address: str, model: str, **options: Any):
        super().__init__(address, model, **options)
        if not str(address).startswith(("http://", "https://")):
            raise ValueError(f"`address` must begin with http:// or https://. Received: address={address!r}")
        self._requests = import_extra("requests", extra="serving")
        self._json_format = import_extra("google.protobuf.json_format", extra="serving")
        self._metadata = import_extra("tensorflow_serving.apis.get_model_metadata_pb2", extra="serving")
        self._session = self._requests.Session()
        self._url = f"{str(address).rstrip('/')}/v1/models/{urllib.parse.quote(model, safe='')}"
        if self.version is not None:
            self._url += f"/versions/{self.version}"
        elif self.label is not None:
            self._url += f"/labels/{urllib.parse.quote(self.label, safe='')}"

    def status(self) -> dict[int, str]:
        """Return the state of the model's versions, as in `ServingClient`."""
        answer = self._ask("GET", self._url)
        return {int(entry["version"]): entry["state"] for entry in answer["model_version_status"]}

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _predict(self, signature, arrays, outputs):
        columns = {name: _jsonable(array) for name, array in arrays.items()}
        body = {"signature_name": signature, "inputs": columns}
        answer = self._ask("POST", f"{self._url}:predict", json=body)["outputs"]
        # The server leaves out the name of an output that is alone.
        named = answer if len(outputs) > 1 else dict.fromkeys(outputs, answer)
        return {name: np.asarray(named[name], spec.dtype.as_numpy_dtype) for name, spec in outputs.items()}

    def _signature_definitions(self):
        answer = self._ask("GET", f"{self._url}/metadata")["metadata"]["signature_def"]
        return self._json_format.ParseDict(answer, self._metadata.SignatureDefMap(), ignore_unknown_fields=True)

    def _ask(self, method, url, **body):
        asked = f"The server must answer {method} {url}."
        try:
            answer = self._session.request(method, url, timeout=self.timeout, **body)
        except self._requests.RequestException as error:
            raise ServingError(f"{asked} Received: {type(error).__name__}: {error}") from error
        try:
            content = answer.json()
        except ValueError:
            content = {"error": answer.text[:200]}
        if not answer.ok or not isinstance(content, dict):
            reason = content.get("error", "") if isinstance(content, dict) else str(content)[:200]
            raise ServingError(f"{asked} Received: {answer.status_code} {reason}", answer.status_code)
        return content


def _jsonable(array):
    return array.tolist() if array.dtype != object else _encoded(array.tolist())


def _encoded(content):
    if isinstance(content, list):
        return [_encoded(part) for part in content]
    return {"b64": base64.b64encode(content).decode("ascii")}
