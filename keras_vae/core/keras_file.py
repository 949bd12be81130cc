"""Files of Keras, written in memory first."""

import io
import pathlib


class _Memory(io.BytesIO):
    """Stands in for a path: Keras asks the ending of its `str`, and HDF5 and zip files may be written into it."""

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
        A function of what Keras shall take for the path.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    memory = _Memory(path)
    save(memory)
    pathlib.Path(path).write_bytes(memory.getbuffer())
