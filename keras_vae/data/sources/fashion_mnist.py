"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747)."""

import pathlib

import keras

from keras_vae.data.finding import DATA_VARIABLE, Place, download, find, keras_cache, users_place
from keras_vae.data.set_files import as_splits, read_idx_directory, read_npz

DEBIAN = pathlib.Path("/usr/share/datasets/fashion-mnist")

_ABOUT = {
    "title": "Fashion-MNIST",
    "class_names": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
}


def fashion_mnist():
    """Return 60,000 training and 10,000 test images of clothes, 28 x 28, grey, in 10 classes.

    Looks in the directory named by `KERAS_VAE_DATA`, where Debian's package `dataset-fashion-mnist` puts it, and in
    Keras's cache; then lets Keras download it.
    """
    cache = keras_cache() / "fashion-mnist"
    places = [
        users_place(_from_users_directory),
        Place(f"{DEBIAN}, Debian's package", lambda: read_idx_directory(DEBIAN, **_ABOUT)),
        Place(f"{cache}, Keras's cache", lambda: read_idx_directory(cache, **_ABOUT)),
        Place("Keras's download", _from_keras),
    ]
    remedies = [
        "install Debian's package dataset-fashion-mnist",
        f"set {DATA_VARIABLE} to a directory with the four IDX files or fashion_mnist.npz",
        "connect to the internet and let Keras download it",
    ]
    return find(_ABOUT["title"], places, remedies)


def _from_keras():
    return as_splits(download(keras.datasets.fashion_mnist.load_data), _ABOUT["class_names"])


def _from_users_directory(directory):
    for name in ("fashion-mnist", "fashion_mnist"):
        if (directory / name).is_dir():
            return read_idx_directory(directory / name, **_ABOUT)
        if (directory / f"{name}.npz").is_file():
            return read_npz(directory / f"{name}.npz", **_ABOUT)
    return read_idx_directory(directory, **_ABOUT)
