"""The export to TensorFlow's SavedModel."""

import os
import pathlib
from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_vae.core import atomic_directory, check_instance, check_integer, check_range
from keras_vae.export.endpoints import Endpoints, value_range
from keras_vae.export.metadata import versions_in, write_metadata
from keras_vae.export.warm_up import blank_rows, write_warm_up
from keras_vae.models import LatentVariableModel


def saved_model(
    vae: LatentVariableModel,
    path: str | os.PathLike[str],
    version: int | None = None,
    *,
    image_range: Sequence[float] | None = None,
    warm_up: Sequence[int] | None = None,
) -> pathlib.Path:
    """Write a model as a SavedModel, which TensorFlow Serving and TensorFlow's C API run without Python.

    It is written as `path/<version>/`, whole or not at all. Its signatures have a batch axis of any length, and each
    row of a reply depends only on the same row of the request:

    - `serving_default`, which is `reconstruct`: `x` -> `reconstruction`;
    - `encode`: `x` -> `mean`, `scale` (a standard deviation);
    - `decode`: `z` -> `mean`, or the most probable categories of whole numbers, as `vae.decode` has it;
    - `generate`: `seed`, int32 of shape (batch, 2) -> `mean`, an image for each seed;
    - `score`: `x`, `seed` -> `elbo`, `rate`, `distortion` in nats, as the model's objective has them;
    - for images with one or three channels also `reconstruct_bytes`, `encode_bytes` and `score_bytes`, which take
      PNG or JPEG files of the right size in `image_bytes`.

    A model of several levels has `z_1`, ..., `mean_1`, ..., `scale_1`, ..., bottom-up. One with a condition takes raw
    values of it in `condition`, in each signature. A description of the model is stored with it, for `read_metadata`.

    Parameters
    ----------
    vae : keras_vae.models.LatentVariableModel
        The model.
    path : str or pathlib.Path
        The directory that holds the model's versions.
    version : int, optional
        A whole number >= 1; one more than the latest by default.
    image_range : pair of float, optional
        What black and white in image files are to the model. By default the range that the likelihood allows, and 0
        and 1 where it allows all.
    warm_up : sequence of int, optional
        Batch sizes of the requests that TensorFlow Serving runs when it loads the model (`write_warm_up`); none by
        default.

    Returns
    -------
    pathlib.Path
        `path/<version>`.

    Raises
    ------
    TypeError
        If `vae` is not a model of this package.
    ValueError
        If `version` or `image_range` is out of range.
    FileExistsError
        If the version is already there.
    OSError
        If it cannot be written.
    ImportError
        If `warm_up` is given and the extra `serving` is not installed.

    Examples
    --------
    >>> keras_vae.export.saved_model(vae, "served/fashion_mnist")
    PosixPath('served/fashion_mnist/1')
    """
    check_instance("vae", vae, LatentVariableModel, "a model of keras_vae")
    image_range = value_range(vae.likelihood, None if image_range is None else check_range("image_range", image_range))
    if version is None:
        version = max(versions_in(path), default=0) + 1
    target = pathlib.Path(path) / str(check_integer("version", version, minimum=1))
    if target.exists():
        raise FileExistsError(f"`version` must be one that is not there yet. Received: {str(target)!r}, which exists")
    vae.ensure_built()
    archive = keras.export.ExportArchive()
    functions = {}
    for name, endpoint in Endpoints(vae, image_range).all().items():
        function = archive.add_endpoint(name, _never_empty(endpoint, vae), list(endpoint.inputs))
        functions[name] = function.get_concrete_function()
    with atomic_directory(target) as aside:
        _write_out(archive, aside, target)
        if warm_up:
            write_warm_up(aside, functions, vae, warm_up)
        write_metadata(aside, vae, functions, image_range)
    return target


def _write_out(archive, directory, target):
    """Write an archive; what TensorFlow calls an error of its own is the disk's here."""
    try:
        archive.write_out(directory, verbose=False)
    except tf.errors.OpError as error:
        reason = str(error).split(" [Op")[0].split("; ")[-1]
        raise OSError(f"`path` must be writable. Received: {str(target)!r} ({reason})") from error


def _never_empty(endpoint, vae):
    """Return a signature's function that returns no rows for no rows.

    TensorFlow's convolutions on a CPU give an empty batch the wrong shape, so a blank row is computed in its place.
    """
    blanks = [tf.constant(blank_rows(spec, vae, 1)) for spec in endpoint.inputs]

    def function(*inputs):
        size = tf.shape(inputs[0])[0]
        filled = [
            tf.concat([value, blank[: tf.cast(tf.shape(value)[0] == 0, tf.int32)]], axis=0)
            for value, blank in zip(inputs, blanks, strict=True)
        ]
        return {name: value[:size] for name, value in endpoint.function(*filled).items()}

    return function
