"""What travels with an exported model: what it is, and the digests of its files."""

import hashlib
import json
import os
import pathlib
import re
from typing import Any

import keras
import pydantic
import tensorflow as tf

from keras_vae.core import BrokenFileError, parse_json, printable, read_bytes
from keras_vae.version import __version__

FORMAT_VERSION = 1
METADATA = "assets.extra/keras_vae.json"
DIGESTS = "assets.extra/sha256sums"


class _Tensor(pydantic.BaseModel):
    """An input or an output of a signature."""

    dtype: str
    shape: list[int | None] | None


class _Signature(pydantic.BaseModel):
    """What a signature takes and answers."""

    inputs: dict[str, _Tensor]
    outputs: dict[str, _Tensor]


class _Versioned(pydantic.BaseModel):
    """A record in a form that a version of the package knows."""

    format_version: pydantic.PositiveInt


class _Record(_Versioned):
    """What an exported model is."""

    versions: dict[str, str]
    model: str
    likelihood: str
    event_shape: list[int]
    x_shape: list[int]
    latent_dim: int | list[Any]
    image_range: list[float]
    signatures: dict[str, _Signature]
    files: list[str]


def write_metadata(directory, vae, functions, image_range):
    """Write what an exported model is, and the digests of all its files in the form of `sha256sum`.

    `functions` are the graphs of its signatures, `image_range` is what black and white are to the model.
    """
    record = {
        "format_version": FORMAT_VERSION,
        "versions": {"keras_vae": __version__, "keras": keras.__version__, "tensorflow": tf.__version__},
        "model": type(vae).__name__,
        "likelihood": type(vae.likelihood).__name__,
        "event_shape": list(vae.likelihood.event_shape),
        "x_shape": list(vae.likelihood.x_shape),
        "latent_dim": vae.of_levels(shape[0] if len(shape) == 1 else list(shape) for shape in vae.latent_shapes),
        "image_range": list(image_range),
        "signatures": {name: _described(function) for name, function in functions.items()},
        "files": _files_in(directory),
    }
    path = directory / METADATA
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    lines = [f"{_digest(directory / name)}  {name}\n" for name in [*record["files"], METADATA]]
    (directory / DIGESTS).write_text("".join(lines), encoding="utf-8")


def read_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what an exported model is, after checking all its files against their digests.

    Nothing of the model is loaded or run. `sha256sum --check assets.extra/sha256sums` makes the same check.

    Parameters
    ----------
    path : str or pathlib.Path
        What `saved_model` returned, or the directory above it, whose latest version is taken.

    Returns
    -------
    dict
        `format_version`, `versions` of the packages that wrote it, `model`, `likelihood`, `event_shape`, `x_shape`,
        `latent_dim` (a list for several levels), `image_range`, `files` and `signatures`: for each its `inputs` and
        `outputs`, and for each of these its `dtype` and `shape`, None for the batch.

    Raises
    ------
    FileNotFoundError
        If there is no exported model.
    ValueError
        If a file is not as it was written, or a later version of the package wrote it; the message names the file.
    """
    directory = pathlib.Path(path)
    if not (directory / METADATA).exists() and versions_in(directory):
        directory = directory / str(versions_in(directory)[-1])
    for name in (METADATA, DIGESTS):
        if not (directory / name).is_file():
            raise FileNotFoundError(
                f"`path` must be a model that `saved_model` exported. Received: no {name} in {str(directory)!r}"
            )
    digests = _read_digests(directory / DIGESTS)
    _check(directory, METADATA, digests)
    content = read_bytes(directory / METADATA)
    record = parse_json(content, dict[str, Any], str(directory / METADATA))
    version = parse_json(content, _Versioned, str(directory / METADATA)).format_version
    if version > FORMAT_VERSION:
        raise BrokenFileError(
            f"{str(directory / METADATA)!r} must have a `format_version` <= {FORMAT_VERSION}; a later version of "
            f"keras_vae wrote it. Upgrade keras_vae. Received: format_version={version}"
        )
    parse_json(content, _Record, str(directory / METADATA))
    for name in record["files"]:
        parts = pathlib.PurePosixPath(name).parts
        if not parts or ".." in parts or name.startswith("/"):
            raise BrokenFileError(
                f"{str(directory / METADATA)!r} must name files of its directory. Received: {printable(name)[:200]!r}"
            )
        _check(directory, name, digests)
    return record


def versions_in(path):
    """Return the numbers of the directories that TensorFlow Serving would find under this one, in order."""
    names = [entry.name for entry in pathlib.Path(path).iterdir()] if pathlib.Path(path).is_dir() else []
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def _described(function):
    def described(specs):
        return {spec.name: {"dtype": spec.dtype.name, "shape": spec.shape.as_list()} for spec in specs}

    outputs = {name: tf.TensorSpec.from_tensor(tensor, name) for name, tensor in function.structured_outputs.items()}
    return {"inputs": described(function.structured_input_signature[0]), "outputs": described(outputs.values())}


def _files_in(directory):
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


def _digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_digests(path):
    lines = read_bytes(path).decode("utf-8", errors="replace").splitlines()
    found = [re.fullmatch(r"([0-9a-f]{64})  (.+)", line) for line in lines]
    if not all(found):
        raise BrokenFileError(
            f"{str(path)!r} must hold a digest and a name in each line. "
            f"Received: {printable(lines[found.index(None)])[:200]!r}"
        )
    return {match[2]: match[1] for match in found}


def _check(directory, name, digests):
    path = directory / name
    is_there = os.path.isfile(path)  # false for names that no file can have
    if not is_there or digests.get(name) != _digest(path):
        raise BrokenFileError(
            f"{printable(str(path))[:300]!r} must be as it was written, by {str(directory / DIGESTS)!r}: copy or "
            f"export the model again. Received: {'another content' if is_there else 'no such file'}"
        )
