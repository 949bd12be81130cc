"""The export to LiteRT, which was called TensorFlow Lite."""

import os
import pathlib
import re
from typing import Any

import tensorflow as tf

from keras_vae.core import check_keras
from keras_vae.export.encoder_decoder import write_halves
from keras_vae.models import LatentVariableModel


def litert(vae: LatentVariableModel, path: str | os.PathLike[str], **kwargs: Any) -> pathlib.Path:
    """Write encoder and decoder for LiteRT (TensorFlow Lite): phones, browsers and small computers.

    `path/encoder.tflite` takes `x` and returns `mean` and `scale` of the posterior, `path/decoder.tflite` takes `z` and
    returns `mean`, the likelihood's; for a model with several levels they are `z_1`, `mean_1`, `scale_1`, ...,
    bottom-up. The batch axis has any length. Only LiteRT's built-in operations are used, so that every runtime has
    them. They draw no noise: draw z ~ p(z), or mean + scale * eps, where the files are run.

    Parameters
    ----------
    vae : keras_vae.models.LatentVariableModel
        The model.
    path : str or pathlib.Path
        The directory, which is written whole or not at all.
    **kwargs
        Passed to `keras.Model.export`, such as `optimizations=[tf.lite.Optimize.DEFAULT]` for weights of 8 bits.

    Returns
    -------
    pathlib.Path
        The directory.

    Raises
    ------
    TypeError
        If `vae` is not a model of this package.
    ValueError
        If the model does not compute in float32, or has operations that LiteRT lacks; the message names them.
    FileExistsError
        If `path` is already there.
    OSError
        If it cannot be written.
    ImportError
        If Keras is older than 3.13.
    """
    check_keras("3.13", "`export.litert`", "take `export.onnx` or `export.saved_model`")
    return write_halves(vae, path, lambda half, aside: _write(half, aside / f"{half.name}.tflite", **kwargs))


def _write(half, file, **kwargs):
    built_in = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
    kwargs = {"target_spec": built_in, "verbose": False, **kwargs}
    try:
        half.export(str(file), format="litert", input_signature=half.signature, **kwargs)
    except Exception as error:  # the converter's own class is not public
        lacking = sorted(set(re.findall(r"'tf\.(\w+)' op is neither", str(error))))
        if not lacking:
            raise
        raise ValueError(f"The {half.name} must have operations that LiteRT has. Received: {lacking}") from error
