"""Files of Keras, written in memory first."""

import io
import pathlib

from keras_vae.core.files import atomic_write


class _Memory(io.BytesIO):
    """Stands in for a path: Keras reads the suffix of its `str`, and HDF5 and zip files can be written into it."""

    def __init__(self, path):
        super().__init__()
        self._path = str(path)

    def __str__(self):
        return self._path


def write_keras_file(path, save):
    """Let Keras save into memory, and write the whole file with one plain call.

    HDF5 does not recover from a write that fails, on a disk that is full for instance: it keeps the broken file open,
    and the next one that the process writes may crash it.

    Parameters
    ----------
    path : str or pathlib.Path
        The file; ends in `.keras` or `.weights.h5`.
    save : callable
        A function of what Keras gets as the path.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    memory = _Memory(path)
    save(memory)
    pathlib.Path(path).write_bytes(memory.getbuffer())


def save_whole(method, filepath, overwrite=True, **kwargs):
    """Let Keras save a model or its weights; a single file is whole, or the old one stays.

    Parameters
    ----------
    method : callable
        `keras.Model.save` or `keras.Model.save_weights`, bound to a model.
    filepath : str or pathlib.Path
        Where to.
    overwrite : bool
        Whether an existing file is replaced.
    **kwargs
        Passed to the method.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    # A directory, several files, a remote address or a question about overwriting is left to Keras.
    is_one_file = str(filepath).endswith((".keras", ".weights.h5")) and kwargs.get("max_shard_size") is None
    if not is_one_file or "://" in str(filepath) or not overwrite:
        method(filepath, overwrite=overwrite, **kwargs)
        return
    with atomic_write(filepath) as aside:
        write_keras_file(aside, lambda file: method(file, **kwargs))
