"""MNIST (LeCun, Bottou, Bengio and Haffner 1998)."""

import keras

from keras_vae.data.finding import DATA_VARIABLE, Place, download, find, keras_cache, users_place
from keras_vae.data.set_files import as_splits, read_idx_directory, read_npz

_ABOUT = {"title": "MNIST", "class_names": tuple("0123456789")}


def mnist():
    """Return 60,000 training and 10,000 test images of handwritten digits, 28 x 28, grey.

    Looks in the directory named by `KERAS_VAE_DATA` and in Keras's cache; then lets Keras download it.
    """
    cache = keras_cache() / "mnist.npz"
    places = [
        users_place(_from_users_directory),
        Place(f"{cache}, Keras's cache", lambda: read_npz(cache, **_ABOUT)),
        Place("Keras's download", _from_keras),
    ]
    remedies = [
        f"set {DATA_VARIABLE} to a directory with the four IDX files or mnist.npz",
        "connect to the internet and let Keras download it",
    ]
    return find(_ABOUT["title"], places, remedies)


def _from_keras():
    return as_splits(download(keras.datasets.mnist.load_data), _ABOUT["class_names"])


def _from_users_directory(directory):
    if (directory / "mnist").is_dir():
        return read_idx_directory(directory / "mnist", **_ABOUT)
    if (directory / "mnist.npz").is_file():
        return read_npz(directory / "mnist.npz", **_ABOUT)
    return read_idx_directory(directory, **_ABOUT)
