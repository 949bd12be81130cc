"""Requests that TensorFlow Serving runs when it loads a model, so that no user waits for the first one."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_vae.core import check_integer
from keras_vae.export.extras import import_extra
from keras_vae.models import LatentVariableModel

WARM_UP = "assets.extra/tf_serving_warmup_requests"
_MOST = 1000  # more are refused by the server


def write_warm_up(
    directory: str | os.PathLike[str],
    functions: Mapping[str, Any],
    vae: LatentVariableModel,
    batch_sizes: Sequence[int] = (1,),
) -> pathlib.Path:
    """Write a request for each signature and batch size to `assets.extra/tf_serving_warmup_requests`.

    Observations are the lowest that the likelihood allows, latents and seeds are zeros: time does not depend on them.

    Parameters
    ----------
    directory : pathlib.Path
        Where the SavedModel is.
    functions : dict of tf.types.experimental.ConcreteFunction
        The graphs of its signatures, the default one first.
    vae : keras_vae.models.LatentVariableModel
        The model.
    batch_sizes : sequence of int
        How many rows requests have. With a server that batches, its `allowed_batch_sizes`.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ImportError
        If the extra `serving` is not installed.
    ValueError
        If a batch size is no positive integer, or there would be more than 1000 requests.
    """
    predict = import_extra("tensorflow_serving.apis.predict_pb2", extra="serving")
    logs = import_extra("tensorflow_serving.apis.prediction_log_pb2", extra="serving")
    sizes = [check_integer("batch_sizes", size, minimum=1) for size in batch_sizes]
    default = next(iter(functions))
    # The server keeps the default signature apart from the one that it is another name of.
    functions = {"serving_default": functions[default], **functions}
    if not 1 <= len(functions) * len(sizes) <= _MOST:
        raise ValueError(
            f"`batch_sizes` must make from 1 to {_MOST} requests, one for each of {len(functions)} signatures. "
            f"Received: {len(sizes)} batch sizes"
        )
    path = pathlib.Path(directory) / WARM_UP
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for size in sizes:
            for name, function in functions.items():
                request = predict.PredictRequest()
                request.model_spec.signature_name = name
                args, kwargs = function.structured_input_signature
                for spec in (*args, *kwargs.values()):
                    request.inputs[spec.name].CopyFrom(tf.make_tensor_proto(blank_rows(spec, vae, size)))
                log = logs.PredictionLog(predict_log=logs.PredictLog(request=request))
                writer.write(log.SerializeToString())
    return path


def blank_rows(spec, vae, size):
    """Make rows of an input: the lowest observations that the likelihood allows, black images, zeros."""
    if spec.dtype == tf.string:
        black = tf.io.encode_png(tf.zeros(vae.event_shape, tf.uint8)).numpy()
        return np.full([size], black, object)
    lowest = vae.spec.blank(size).fields.get(spec.name)
    return (
        np.zeros([size, *spec.shape[1:]], spec.dtype.as_numpy_dtype)
        if lowest is None
        else lowest.astype(spec.dtype.as_numpy_dtype)
    )
