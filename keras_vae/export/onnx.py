"""The export to ONNX."""

import functools
import os
import pathlib
import warnings
from typing import Any

import numpy as np

from keras_vae.export.encoder_decoder import write_halves
from keras_vae.export.extras import import_extra
from keras_vae.models import LatentVariableModel


def onnx(vae: LatentVariableModel, path: str | os.PathLike[str], **kwargs: Any) -> pathlib.Path:
    """Write encoder and decoder as ONNX, for ONNX Runtime and all that reads its format.

    `path/encoder.onnx` takes `x` and returns `mean` and `scale` of the posterior, `path/decoder.onnx` takes `z` and
    returns `mean`, the likelihood's; for a model with several levels they are `z_1`, `mean_1`, `scale_1`, ...,
    bottom-up. The batch axis has any length and is called `batch`. They draw no noise: draw z ~ p(z), or mean + scale *
    eps, where the files are run.

    Parameters
    ----------
    vae : keras_vae.models.LatentVariableModel
        The model.
    path : str or pathlib.Path
        The directory, which is written whole or not at all.
    **kwargs
        Passed to `keras.Model.export`, such as `opset_version=17`.

    Returns
    -------
    pathlib.Path
        The directory.

    Raises
    ------
    TypeError
        If `vae` is not a model of this package.
    ValueError
        If the model does not compute in float32, or has operations that ONNX lacks; the message names them.
    FileExistsError
        If `path` is already there.
    ImportError
        If the extra `onnx` is not installed.
    OSError
        If it cannot be written.
    """
    if getattr(vae, "missing", False):  # tf2onnx multiplies by the mask, and NaN times 0 is NaN
        raise ValueError("`vae` must be a model without `missing=True` for ONNX. Received: missing=True")
    import_extra("onnx", extra="onnx")
    _teach_expm1()
    return write_halves(vae, path, lambda half, aside: _write(half, aside / f"{half.name}.onnx", **kwargs))


def _write(half, file, **kwargs):
    library = import_extra("onnx", extra="onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of NumPy, at Keras's patch of tf2onnx
        half.export(str(file), format="onnx", input_signature=half.signature, **{"verbose": False, **kwargs})
    model = library.load(file)
    opset = model.opset_import[0].version
    # tf2onnx only logs what it cannot convert, and writes a file that no runtime loads.
    kinds = {(node.op_type, node.domain) for node in _nodes(model.graph)}
    lacking = sorted(name for name, domain in kinds if not library.defs.has(name, opset, domain))
    if lacking:
        raise ValueError(f"The {half.name} must have operations that ONNX has. Received: {lacking}")
    for tensor in [*model.graph.input, *model.graph.output]:
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    library.checker.check_model(model, full_check=True)
    library.save(model, file)


def _nodes(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:  # loops and branches hold graphs of their own
            yield from _nodes(attribute.g)


@functools.cache
def _teach_expm1():
    """Teach tf2onnx exp(a) - 1 = tanh(a / 2) (exp(a) + 1), as exact near 0; a likelihood's mean has it."""
    tf_op = import_extra("tf2onnx.handler", extra="onnx").tf_op

    def expm1(graph, node, **kwargs):
        (a,), dtype, shape = node.input, graph.get_dtype(node.output[0]), graph.get_shape(node.output[0])
        numbers = np.array([0.5, 1.0], np.float32)
        half, one = (graph.make_const(f"{node.name}_{number}", number).output[0] for number in numbers)
        tanh = graph.make_node("Tanh", graph.make_node("Mul", [a, half]).output).output[0]
        above = graph.make_node("Add", [graph.make_node("Exp", [a]).output[0], one]).output[0]
        graph.remove_node(node.name)
        graph.make_node("Mul", [tanh, above], outputs=node.output, shapes=[shape], dtypes=[dtype], name=node.name)

    tf_op("Expm1").register_compat_handler(expm1, 1)
