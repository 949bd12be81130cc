"""Models, saved or exported, in words and numbers."""

import math
import textwrap
import zipfile
from typing import Any

import keras
import pydantic

import keras_vae as kv
from keras_vae_cli.loading import Trained
from keras_vae_cli.screen import columns, counted

_EXPORTS = {"a SavedModel": "saved_model.pb", "a LiteRT model": "encoder.tflite", "an ONNX model": "encoder.onnx"}
_NEVER_SHOWN = ("name", "dtype", "trainable", "autocast", "kernel_initializer")


class _Saved(pydantic.BaseModel):
    """What Keras says of a file."""

    date_saved: str
    keras_version: str


class _Config(pydantic.BaseModel):
    """What Keras says of a model."""

    config: dict[str, Any]


class _Metrics(pydantic.BaseModel):
    """What `train` says of a run."""

    dataset: str
    num_train: int
    num_test: int
    epochs: int
    elbo: float
    reconstruction_loss: float
    kl_loss: float
    versions: dict[str, str] = {}


def describe_model(model):
    trained = Trained(model)
    path, vae = trained.path, trained.vae
    card = _card(path.parent) if path.parent in kv.pretrained.available().values() else []
    return [*_head(path, vae), "", *_parts(vae), *_run(path.parent), *_exports(path.parent), *card]


def _head(path, vae):
    with zipfile.ZipFile(path) as archive:
        saved = kv.core.parse_json(archive.read("metadata.json"), _Saved, str(path))
        config = kv.core.parse_json(archive.read("config.json"), _Config, str(path)).config
    return [
        f"{path}: {type(vae).__name__}, {path.stat().st_size / 1e6:.1f} MB",
        f"saved {saved.date_saved.replace('@', ' ')} with Keras {saved.keras_version}, "
        f"format version {config.get('format_version', 1)}, seed {vae.seed}",
        f"observations {_shape(vae.likelihood.x_shape)}, latent dimensions {_dimensions(vae.latent_shapes)}",
    ]


def _parts(vae):
    named = [(name, getattr(vae, name)) for name in vae.part_names if getattr(vae, name) is not None]
    named += [(f"{name}[{i}]", part) for name in vae.sequence_names for i, part in enumerate(getattr(vae, name))]
    rows = [("part", "class", "weights", "shape"), *(_row(vae, name, part) for name, part in named)]
    rows.append(("all", "", f"{_size(vae.weights):,}", f"{_size(vae.trainable_variables):,} of them trained"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = []
    for (name, kind, size, shape), (_, part) in zip(rows, [("", None), *named, ("", None)], strict=True):
        lines.append(f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {size:>{widths[2]}}  {shape}".rstrip())
        if part is not None:
            lines += textwrap.wrap(_arguments(part), columns(), initial_indent="    ", subsequent_indent="    ")
    return lines


def _row(vae, name, part):
    weights = f"{_size(part.weights):,}" if isinstance(part, keras.layers.Layer) else ""
    ends = {"encoder": vae.seen_shape, "decoder": vae.latent_shapes[0]}
    shape = ""
    # Of several inputs each has a shape of its own; the summary of Keras shows them.
    if name in ends and len(vae.latent_shapes) == 1 and vae.condition is None:
        features = part.compute_output_shape((None, *ends[name]))[1:]
        shape = f"{_shape(ends[name])} → {_shape(features)}"
    return name, type(part).__name__, weights, shape


def _arguments(part):
    """Return the simple arguments of a part, as they are written."""
    if isinstance(part, keras.Sequential):
        return " → ".join(f"{type(layer).__name__}({_arguments(layer)})" for layer in part.layers)
    shown = []
    for name, value in part.get_config().items():
        if name in _NEVER_SHOWN or value is None:
            continue
        if isinstance(value, dict):  # a part of the part
            inside = {key: inner for key, inner in value.get("config", {}).items() if key != "name"}
            value = f"{value.get('class_name')}({', '.join(f'{key}={inner}' for key, inner in inside.items())})"
        shown.append(f"{name}={tuple(value) if isinstance(value, list) else value}")
    return ", ".join(shown)


def _run(directory):
    """Describe how the model was trained, if it lies in the directory of a run."""
    file = directory / "metrics.json"
    if not file.is_file():
        return []
    metrics = kv.core.read_json(file, _Metrics)
    versions = ", ".join(f"{name} {version}" for name, version in metrics.versions.items())
    lines = [
        f"trained on {metrics.dataset}, {counted(metrics.num_train, 'image')}, {counted(metrics.epochs, 'epoch')}",
        f"test elbo {metrics.elbo:.2f}, reconstruction_loss {metrics.reconstruction_loss:.2f}, kl_loss "
        f"{metrics.kl_loss:.2f}: nats per image, {counted(metrics.num_test, 'image')}",
        versions,
    ]
    return ["", *(part for line in lines for part in textwrap.wrap(line, columns(), subsequent_indent="  "))]


def _exports(directory):
    versions = sorted(int(path.parent.name) for path in directory.glob("[0-9]*/saved_model.pb"))
    return ["", f"exported as a SavedModel: {', '.join(f'{directory}/{number}' for number in versions)}"] * bool(
        versions
    )


def _size(weights):
    return sum(math.prod(weight.shape) for weight in weights)


def _shape(shape):
    return " x ".join(map(str, shape))


def _dimensions(latent_shapes):
    return " + ".join(map(_shape, latent_shapes))


def describe_export(path):
    """Describe an exported model, by its directory or the directory of its versions: then the latest."""
    formats = [name for name, file in _EXPORTS.items() if (path / file).is_file()]
    directory, format = (path, formats[0]) if formats else (_latest(path), "a SavedModel")
    try:
        record = kv.export.read_metadata(directory)
    except FileNotFoundError:
        signatures = _signatures(_foreign(directory)) if format == "a SavedModel" else []
        return [f"{directory}: {format} that keras_vae did not export", "", *signatures]
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    sizes = record["latent_dim"]
    dimensions = " + ".join(map(str, sizes)) if isinstance(sizes, list) else sizes
    total = sum((directory / name).stat().st_size for name in record["files"])
    return [
        f"{directory}: {format} of {record['model']}, {total / 1e6:.1f} MB; all files are as they were written",
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
    return ["", *kv.core.read_bytes(card).decode("utf-8", "replace").rstrip().splitlines()] if card.is_file() else []
