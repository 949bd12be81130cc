"""CIFAR-10 (Krizhevsky 2009)."""

import keras
import numpy as np

from keras_vae.data.finding import DATA_VARIABLE, Place, download, find, keras_cache, users_place
from keras_vae.data.set_files import as_splits, read_npz

_ABOUT = {
    "title": "CIFAR-10",
    "class_names": (
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
}


def cifar10():
    """Return 50,000 training and 10,000 test photographs, 32 x 32, in colour, in 10 classes.

    Looks for `cifar10.npz` in the directory named by `KERAS_VAE_DATA`; then asks Keras, for its cache or a download.
    """
    places = [
        users_place(lambda directory: read_npz(directory / "cifar10.npz", **_ABOUT)),
        Place(f"{keras_cache()}, Keras's cache, and Keras's download", _from_keras),
    ]
    remedies = [
        f"set {DATA_VARIABLE} to a directory with cifar10.npz (x_train, y_train, x_test, y_test)",
        "connect to the internet and let Keras download it",
    ]
    return find(_ABOUT["title"], places, remedies)


def _from_keras():
    loaded = download(keras.datasets.cifar10.load_data)
    if keras.config.image_data_format() == "channels_first":
        loaded = tuple((np.moveaxis(images, 1, -1), labels) for images, labels in loaded)
    return as_splits(loaded, _ABOUT["class_names"])
