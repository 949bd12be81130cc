"""Cartoon faces, drawn on request."""

import numpy as np

from keras_vae.core import check_choice, check_integer
from keras_vae.data.cartoon_faces import FACTORS, draw_face, face_factors
from keras_vae.data.image_set import ImageSet

_TEST_START = 1_000_000_000


def cartoon_faces(*, num_train=1000, num_test=200, image_size=256, seed=0, labels="hair_style"):
    """Draw a training and a test set of cartoon faces, in colour, with all their factors.

    Training faces are the numbers 0 to `num_train` - 1 of the seed, test faces those from 1,000,000,000 on, whatever
    the other arguments. See `keras_vae.data.cartoon_faces` to draw them one by one or into a folder.

    Parameters
    ----------
    num_train, num_test : int
        How many faces. In memory each takes `image_size` * `image_size` * 3 bytes; 1200 of 256 x 256 take 236 MB and
        some 15 seconds.
    image_size : int
        Height and width, in pixels.
    seed : int
        Which faces.
    labels : str
        The factor that gives the labels: one of `keras_vae.data.cartoon_faces.FACTORS`.

    Returns
    -------
    train, test : ImageSet
        With `factors` and `factor_names`.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    check_choice("labels", labels, list(FACTORS))
    sizes = {"num_train": num_train, "num_test": num_test}
    for name, number in sizes.items():
        check_integer(name, number, minimum=1)
    return _draw(0, num_train, image_size, seed, labels), _draw(_TEST_START, num_test, image_size, seed, labels)


def _draw(start, number, image_size, seed, labels):
    faces = [face_factors(index, seed) for index in range(start, start + number)]
    images = np.stack([draw_face(face, image_size) for face in faces])
    factors = {name: np.array([face[name] for face in faces], np.int64) for name in FACTORS}
    return ImageSet(images, factors[labels], FACTORS[labels], factors, dict(FACTORS))
