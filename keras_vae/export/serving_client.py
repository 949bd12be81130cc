"""What clients of a model server have in common: signatures, errors, and arrays that are checked by name."""

import abc
from typing import Any, NamedTuple, Self

import numpy as np
import tensorflow as tf

from keras_vae.core import check_integer, check_number, printable

_PRIVATE = "__saved_model_"  # TensorFlow's own entries among the signatures
# A number in JSON, with the white space that TensorFlow Serving puts before it.
_BYTES_A_NUMBER = 100
_BYTES_AROUND = 2**16


class ServingError(RuntimeError):
    """A model server refused a request, or could not be reached.

    Parameters
    ----------
    message : str
        What was asked and what came back.
    status : int or str, optional
        Of REST the HTTP code, such as 404; of gRPC the name of the status code, such as "NOT_FOUND"; None where no
        answer came.
    """

    def __init__(self, message: str, status: int | str | None = None):
        super().__init__(message)
        self.status = status


class Signature(NamedTuple):
    """What a served signature takes and answers.

    Attributes
    ----------
    inputs : dict of tf.TensorSpec
        By name; sizes that may vary are None.
    outputs : dict of tf.TensorSpec
        By name.
    """

    inputs: dict[str, tf.TensorSpec]
    outputs: dict[str, tf.TensorSpec]


class ServingClient(abc.ABC):
    """A client of one model on a TensorFlow Serving server.

    The signatures are asked for once, with the first request. Use it as a context manager, or `close` it.

    Parameters
    ----------
    address : str
        Where the server is.
    model : str
        The model's name on the server.
    version : int, optional
        Which version answers; the server's choice by default, which is the latest one it has.
    label : str, optional
        A label such as "stable" that the server has given to a version; not together with `version`.
    timeout : float
        Seconds for a whole request and its answer, however slowly they go.
    max_reply_bytes : int
        Larger answers are refused; those of a signature also where they are larger than its outputs can be.

    Raises
    ------
    ImportError
        If the extra `serving` is not installed.
    ValueError
        If an argument is out of range.
    """

    def __init__(
        self,
        address: str,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float = 10.0,
        max_reply_bytes: int = 2**28,
    ):
        if not isinstance(model, str) or not model:
            raise ValueError(f"`model` must be the model's name on the server. Received: model={model!r}")
        if version is not None and label is not None:
            raise ValueError(
                f"`version` and `label` must not be given together. Received: version={version!r}, label={label!r}"
            )
        self.address = address
        self.model = model
        self.version = version if version is None else check_integer("version", version, minimum=0)
        self.label = label
        self.timeout = check_number("timeout", timeout, above=0)
        self.max_reply_bytes = check_integer("max_reply_bytes", max_reply_bytes, minimum=1)
        self._signatures: dict[str, Signature] | None = None

    def predict(self, signature: str = "serving_default", /, **inputs: Any) -> dict[str, np.ndarray]:
        """Run one signature.

        Parameters
        ----------
        signature : str
            Its name, such as "encode" or "generate".
        **inputs : array_like
            By the signature's own names, all with the same number of rows. Strings are bytes.

        Returns
        -------
        dict of numpy.ndarray
            By the signature's own names.

        Raises
        ------
        ServingError
            If the server refuses, does not answer in time, or answers what the signature does not promise.
        ValueError
            If the signature is unknown or the inputs do not fit it.
        """
        known = self.signatures()
        if signature not in known:
            raise ValueError(f"`signature` must be one of {sorted(known)}. Received: signature={signature!r}")
        specs = known[signature].inputs
        if set(inputs) != set(specs):
            raise ValueError(f"The inputs of {signature!r} must be {sorted(specs)}. Received: {sorted(inputs)}")
        arrays = {name: _fitted(name, value, specs[name]) for name, value in inputs.items()}
        outputs = known[signature].outputs
        shapes = {name: _expected(spec.shape, arrays) for name, spec in outputs.items()}
        found = self._predict(signature, arrays, outputs, self._most_bytes(shapes))
        for name, spec in outputs.items():
            _check_output(signature, name, found.get(name), spec.dtype, shapes[name])
        return found

    def _most_bytes(self, shapes):
        sizes = [shape.num_elements() for shape in shapes.values()]
        if None in sizes:
            return self.max_reply_bytes
        return min(self.max_reply_bytes, _BYTES_AROUND + _BYTES_A_NUMBER * sum(sizes))

    def signatures(self) -> dict[str, Signature]:
        """Return what the model answers to.

        Returns
        -------
        dict of Signature
            By name.

        Raises
        ------
        ServingError
            If the server refuses, or does not answer.
        """
        if self._signatures is None:
            definitions = self._signature_definitions().signature_def
            try:
                self._signatures = {
                    name: Signature(_specs(definition.inputs), _specs(definition.outputs))
                    for name, definition in definitions.items()
                    if not name.startswith(_PRIVATE)
                }
            except (TypeError, ValueError) as error:  # of types and shapes that there are not
                raise ServingError(f"The server must answer with signatures. Received: {shown(error)}") from error
        return self._signatures

    @abc.abstractmethod
    def status(self) -> dict[int, str]:
        """Return the state of the model's versions.

        Returns
        -------
        dict
            From version to state: "AVAILABLE" where it answers, else "START", "LOADING", "UNLOADING" or "END".

        Raises
        ------
        ServingError
            If the server does not know the model, or does not answer.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Close the connection."""

    @abc.abstractmethod
    def _predict(self, signature, arrays, outputs, most_bytes):
        """Run a signature on arrays that fit it; `outputs` are its specs."""

    @abc.abstractmethod
    def _signature_definitions(self):
        """Ask the server for the message `SignatureDefMap`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def shown(words):
    """Return what a server said, in so many words that a message can hold and a terminal can show."""
    return printable(" ".join(str(words).split()))[:300]


def _expected(shape, arrays):
    """Return the shape that an output must have: a row for each row of the inputs."""
    rows = {len(array) for array in arrays.values()}
    if shape.rank and shape[0] is None and len(rows) == 1:
        return tf.TensorShape([*rows, *shape[1:]])
    return shape


def _check_output(signature, name, array, dtype, shape):
    if array is None or array.dtype != np.dtype(dtype.as_numpy_dtype) or not shape.is_compatible_with(array.shape):
        received = "nothing" if array is None else f"{array.dtype} of shape {array.shape}"
        raise ServingError(
            f"The server must answer {signature!r} with `{name}`, {dtype.name} of shape {shape}, as it has promised. "
            f"Received: {received}"
        )


def _specs(tensors):
    return {
        name: tf.TensorSpec(tf.TensorShape(tensor.tensor_shape), tf.as_dtype(tensor.dtype), name)
        for name, tensor in tensors.items()
    }


def _fitted(name, value, spec):
    """Return an input as an array of the signature's type, without a loss in silence."""
    # An array of NumPy's own strings would lose zeros at the end of bytes.
    array = np.asarray(value, dtype=object if spec.dtype == tf.string else None)
    if spec.dtype != tf.string:
        wanted = spec.dtype.as_numpy_dtype
        cast = array.astype(wanted) if np.can_cast(array.dtype, wanted, casting="same_kind") else None
        if cast is None or (cast.dtype.kind in "iu" and not np.array_equal(cast, array)):
            raise ValueError(f"`{name}` must be of type {spec.dtype.name}. Received: {name} of type {array.dtype}")
        array = cast
    elif not all(isinstance(element, bytes) for element in array.flat):
        raise ValueError(f"`{name}` must hold bytes. Received: {name}={value!r}"[:500])
    if not spec.shape.is_compatible_with(array.shape) or not array.size:
        shape = ["rows" if size is None and axis == 0 else size for axis, size in enumerate(spec.shape)]
        raise ValueError(
            f"`{name}` must have shape ({', '.join(map(str, shape))}) with at least one row. "
            f"Received: shape {array.shape}"
        )
    return array
