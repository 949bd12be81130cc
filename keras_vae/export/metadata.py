"""What travels with an exported model: what it is, and the digests of its files."""

import hashlib
import json
import os
import pathlib
import re
from typing import Any

import keras
import tensorflow as tf

from keras_vae.version import __version__

FORMAT_VERSION = 1
METADATA = "assets.extra/keras_vae.json"
DIGESTS = "assets.extra/sha256sums"


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
    record = json.loads((directory / METADATA).read_bytes())
    if record["format_version"] > FORMAT_VERSION:
        raise ValueError(
            f"{str(directory / METADATA)!r} must have a `format_version` <= {FORMAT_VERSION}; a later version of "
            f"keras_vae wrote it. Upgrade keras_vae. Received: format_version={record['format_version']}"
        )
    for name in record["files"]:
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
    lines = path.read_bytes().decode("utf-8", errors="replace").splitlines()
    found = [re.fullmatch(r"([0-9a-f]{64})  (.+)", line) for line in lines]
    if not all(found):
        raise ValueError(
            f"{str(path)!r} must hold a digest and a name in each line. Received: {lines[found.index(None)]!r}"
        )
    return {match[2]: match[1] for match in found}


def _check(directory, name, digests):
    path = directory / name
    if not path.is_file() or digests.get(name) != _digest(path):
        raise ValueError(
            f"{str(path)!r} must be as it was written, by {str(directory / DIGESTS)!r}: copy or export the model "
            f"again. Received: {'another content' if path.is_file() else 'no such file'}"
        )
