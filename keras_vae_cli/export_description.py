"""An exported model in words and numbers."""

import keras_vae as kv


def describe_export(path):
    """Describe a SavedModel.

    Parameters
    ----------
    path : pathlib.Path
        Its directory, or the directory of its versions, of which the latest is taken.

    Returns
    -------
    list of str
        Lines.

    Raises
    ------
    ValueError
        If a file is not as it was written.
    """
    directory = path if (path / "saved_model.pb").is_file() else _latest(path)
    try:
        record = kv.export.read_metadata(directory)
    except FileNotFoundError:
        return [f"{directory}: a SavedModel that keras_vae did not export", "", *_signatures(_foreign(directory))]
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    sizes = record["latent_dim"]
    dimensions = " + ".join(map(str, sizes)) if isinstance(sizes, list) else sizes
    total = sum((directory / name).stat().st_size for name in record["files"])
    return [
        f"{directory}: a SavedModel of {record['model']}, {total / 1e6:.1f} MB; all files are as they were written",
        f"exported with {versions}",
        f"observations {' x '.join(map(str, record['x_shape']))}, likelihood {record['likelihood']}, latent "
        f"dimensions {dimensions}",
        "",
        *_signatures(record["signatures"]),
        *_card(directory.parent),
    ]


def _latest(path):
    return max((entry for entry in path.iterdir() if entry.name.isdecimal()), key=lambda entry: int(entry.name))


def _foreign(directory):
    """Read the signatures from the file, without loading what may be anybody's program."""
    from tensorflow.core.framework import types_pb2
    from tensorflow.core.protobuf import saved_model_pb2

    def described(tensors):
        return {
            name: {
                "dtype": types_pb2.DataType.Name(info.dtype).removeprefix("DT_").lower(),
                "shape": [None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim],
            }
            for name, info in sorted(tensors.items())
        }

    parsed = saved_model_pb2.SavedModel()
    try:
        parsed.ParseFromString((directory / "saved_model.pb").read_bytes())
    except Exception as error:  # protobuf's own class depends on its implementation
        raise ValueError(f"`MODEL` must be a SavedModel. Received: {str(directory)!r} ({error})") from error
    return {
        name: {"inputs": described(signature.inputs), "outputs": described(signature.outputs)}
        for graph in parsed.meta_graphs
        for name, signature in sorted(graph.signature_def.items())
        if not name.startswith("__")
    }


def _signatures(signatures):
    lines = []
    for name, signature in signatures.items():
        lines.append(name)
        for arrow, tensors in (("<-", signature["inputs"]), ("->", signature["outputs"])):
            for tensor, spec in tensors.items():
                shape = ", ".join("batch" if size is None else str(size) for size in spec["shape"])
                lines.append(f"    {arrow} {tensor:<16} {spec['dtype']} ({shape})")
    return lines


def _card(directory):
    card = directory / "README.md"
    return ["", *card.read_text(encoding="utf-8").rstrip().splitlines()] if card.is_file() else []
