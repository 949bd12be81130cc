"""The handwritten digits that come with scikit-learn (Alpaydin and Kaynak 1998)."""

import numpy as np

from keras_vae.data.image_set import ImageSet

_NUM_TRAIN = 1500
_HIGHEST = 16


def digits():
    """Return 1,500 training and 297 test images of handwritten digits, 8 x 8, grey.

    They ship with scikit-learn, so they are always there. Their values, whole numbers from 0 to 16, become
    `round(value * 255 / 16)`; the first 1,500 are the training set and the others the test set.
    """
    from sklearn.datasets import load_digits  # here, for the sake of a quick `import keras_vae`

    loaded = load_digits()
    images = np.rint(loaded.images * (255 / _HIGHEST)).astype(np.uint8)[..., None]
    labels = loaded.target.astype(np.int64)
    names = tuple("0123456789")
    return (
        ImageSet(images[:_NUM_TRAIN], labels[:_NUM_TRAIN], names),
        ImageSet(images[_NUM_TRAIN:], labels[_NUM_TRAIN:], names),
    )
