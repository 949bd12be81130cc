"""Where callbacks will write, proved writable before training starts."""

import pathlib

from keras_vae.core import check_writable_directory
from keras_vae.models.callback_order import listed

# What callbacks call the file or the directory that they write.
_FILES = ("filepath", "filename")
_DIRECTORIES = ("backup_dir", "log_dir", "directory")


def check_outputs(callbacks):
    """Refuse callbacks that could not write: Keras would say so at the end of the first epoch, or of the last one.

    Directories are made, as the callbacks would make them.

    Parameters
    ----------
    callbacks : keras.callbacks.Callback, sequence of them, CallbackList or None
        What `fit` was given.

    Raises
    ------
    OSError
        If a directory cannot be made or written.
    """
    for callback in listed(callbacks):
        paths = [pathlib.Path(path).parent for path in _named(callback, _FILES)]
        paths += [pathlib.Path(path) for path in _named(callback, _DIRECTORIES)]
        for path in paths:
            # Of a name such as "runs/epoch-{epoch}/model.keras" only what is fixed is known now.
            while "{" in str(path):
                path = path.parent
            check_writable_directory(path)


def _named(callback, names):
    values = (getattr(callback, name, None) for name in names)
    return [value for value in values if isinstance(value, (str, pathlib.Path)) and "://" not in str(value)]
