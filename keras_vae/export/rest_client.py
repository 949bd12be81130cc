"""A client of TensorFlow Serving's REST API."""

import base64
import http.client
import json
import socket
import ssl
import time
import urllib.parse
from typing import Any

import numpy as np

from keras_vae.core import parse_json
from keras_vae.export.extras import import_extra
from keras_vae.export.serving_client import ServingClient, ServingError, shown


class RestClient(ServingClient):
    """A client of one model through TensorFlow Serving's REST API: JSON over HTTP, one connection kept open.

    It follows no redirect, unpacks nothing, and uses no proxy.

    Parameters
    ----------
    address : str
        The server, as in "http://localhost:8501"; a name and a password before the host are sent as basic
        authentication, and shown nowhere.
    model : str
        The model's name on the server.
    **options
        `version`, `label`, `timeout` and `max_reply_bytes`, as in `ServingClient`.

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
        parts = _parts(address)
        self._json_format = import_extra("google.protobuf.json_format", extra="serving")
        self._metadata = import_extra("tensorflow_serving.apis.get_model_metadata_pb2", extra="serving")
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if parts.username is not None:
            pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"
        self._shown = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
        self._path = f"{parts.path.rstrip('/')}/v1/models/{urllib.parse.quote(model, safe='')}"
        if self.version is not None:
            self._path += f"/versions/{self.version}"
        elif self.label is not None:
            self._path += f"/labels/{urllib.parse.quote(self.label, safe='')}"
        self._connection = _connection(parts)

    def status(self) -> dict[int, str]:
        """Return the state of the model's versions, as in `ServingClient`."""
        answer = self._ask("GET", self._path, self.max_reply_bytes)
        try:
            return {int(entry["version"]): str(entry["state"]) for entry in answer["model_version_status"]}
        except (KeyError, TypeError, ValueError) as error:
            raise self._not_meant("GET", self._path, f"no states of versions ({error})") from error

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _predict(self, signature, arrays, outputs, most_bytes):
        columns = {name: _jsonable(array) for name, array in arrays.items()}
        body = json.dumps({"signature_name": signature, "inputs": columns}).encode()
        path = f"{self._path}:predict"
        answer = self._ask("POST", path, most_bytes, body)
        if "outputs" not in answer:
            raise self._not_meant("POST", path, f"no outputs, but {sorted(answer)}")
        answer = answer["outputs"]
        # The server leaves out the name of an output that is alone.
        named = answer if len(outputs) > 1 else dict.fromkeys(outputs, answer)
        if not isinstance(named, dict):
            raise self._not_meant("POST", path, "outputs without names")
        return {name: _array(named[name], spec) for name, spec in outputs.items() if name in named}

    def _signature_definitions(self):
        path = f"{self._path}/metadata"
        answer = self._ask("GET", path, self.max_reply_bytes)
        try:
            definitions = answer["metadata"]["signature_def"]
            form = self._metadata.SignatureDefMap()
            return self._json_format.ParseDict(definitions, form, ignore_unknown_fields=True)
        except (KeyError, TypeError, ValueError, RecursionError, self._json_format.Error) as error:
            raise self._not_meant("GET", path, f"no signatures ({error})") from error

    def _ask(self, method, path, most_bytes, body=None):
        self._connection.deadline = time.monotonic() + self.timeout
        try:
            status, kind, content = self._exchange(method, path, body, most_bytes)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()  # what may still come belongs to this answer
            raise self._not_meant(method, path, f"{type(error).__name__}: {error}") from error
        try:
            answer = parse_json(content, dict[str, Any], "the reply")
        except ValueError as error:
            answer = {} if 200 <= status < 300 else {"error": content[:200].decode("utf-8", "replace")}
            if not answer:
                raise self._not_meant(method, path, f"no JSON object ({kind or 'of no type'})", status) from error
        if not 200 <= status < 300 or "error" in answer:
            raise self._not_meant(method, path, f"{status} {answer.get('error', '')}", status)
        return answer

    def _exchange(self, method, path, body, most_bytes):
        """Send one request and read its answer; once more where the server had closed a connection that was kept."""
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        was_open = self._connection.sock is not None
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        except (ConnectionError, http.client.BadStatusLine):
            self._connection.close()
            if not was_open:
                raise
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        if answer.getheader("Content-Encoding", "identity") != "identity":
            raise ValueError(f"a packed reply, {answer.getheader('Content-Encoding')}, which was not asked for")
        content = answer.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise ValueError(f"a reply of more than {most_bytes:,} bytes")
        return answer.status, answer.getheader("Content-Type"), content

    def _not_meant(self, method, path, received, status=None):
        return ServingError(f"The server must answer {method} {self._shown}{path}. Received: {shown(received)}", status)


class _Socket(socket.socket):
    """A socket whose every wait ends at one moment, however slowly bytes drip."""

    deadline = None

    def recv_into(self, *arguments):
        self.settimeout(_left(self.deadline))
        return super().recv_into(*arguments)

    def sendall(self, *arguments):
        self.settimeout(_left(self.deadline))
        return super().sendall(*arguments)


class _SecureSocket(ssl.SSLSocket):
    """The same over TLS."""

    deadline = None

    def recv_into(self, *arguments):
        self.settimeout(_left(self.deadline))
        return super().recv_into(*arguments)

    def sendall(self, *arguments):
        self.settimeout(_left(self.deadline))
        return super().sendall(*arguments)


class _Connection(http.client.HTTPConnection):
    """A connection with a deadline for each request."""

    deadline = 0.0

    def connect(self):
        plain = socket.create_connection((self.host, self.port), _left(self.deadline))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = _Socket(plain.family, plain.type, plain.proto, plain.detach())
        self.sock.deadline = self.deadline

    def request(self, *arguments, **keywords):
        if self.sock is not None:
            self.sock.deadline = self.deadline
        super().request(*arguments, **keywords)


class _SecureConnection(_Connection):
    """The same over TLS."""

    default_port = http.client.HTTPS_PORT

    def connect(self):
        super().connect()
        context = ssl.create_default_context()
        context.sslsocket_class = _SecureSocket
        self.sock.settimeout(_left(self.deadline))
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host)
        self.sock.deadline = self.deadline


def _parts(address):
    """Take an address apart; what is wrong with it is said without its password."""
    try:
        parts = urllib.parse.urlsplit(str(address))
        _ = parts.port  # a ValueError where it is none
    except ValueError as error:
        raise ValueError(f'`address` must be as in "http://localhost:8501". Received: one with {error}') from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        without = str(address).split("@")[-1]  # which may be a password
        raise ValueError(f"`address` must begin with http:// or https://. Received: address={without!r}")
    return parts


def _connection(parts):
    return {"http": _Connection, "https": _SecureConnection}[parts.scheme](parts.hostname, parts.port)


def _left(deadline):
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("no whole answer within `timeout`")
    return left


def _array(content, spec):
    """Make an array of nested lists; anything else becomes an array of objects, which the caller refuses."""
    try:
        array = np.array(content)
    except (ValueError, RecursionError):
        return np.empty((), object)
    wanted = spec.dtype.as_numpy_dtype
    fits = array.dtype.kind in ("iuf" if np.dtype(wanted).kind == "f" else "iu")
    return array.astype(wanted) if fits else array


def _jsonable(array):
    return array.tolist() if array.dtype != object else _encoded(array.tolist())


def _encoded(content):
    if isinstance(content, list):
        return [_encoded(part) for part in content]
    return {"b64": base64.b64encode(content).decode("ascii")}
