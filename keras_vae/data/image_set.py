"""A labelled set of images."""

import dataclasses

import numpy as np

from keras_vae.core import check_integer


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with their labels, as one split of a data set.

    Parameters
    ----------
    images : numpy.ndarray
        Shape (n, height, width, channels), uint8, values 0 to 255.
    labels : numpy.ndarray
        Shape (n,), int64: the class of each image, from 0.
    class_names : tuple of str
        The name of each class, in the order of its label; empty where classes have no names.

    Raises
    ------
    ValueError
        If an array has another shape or dtype than the above, or there is not one label for each image.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...] = ()

    def __post_init__(self):
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise ValueError(
                "`images` must be uint8 of shape (n, height, width, channels). "
                f"Received: {self.images.dtype} of shape {self.images.shape}"
            )
        if self.labels.shape != (len(self.images),) or self.labels.dtype != np.int64:
            raise ValueError(
                f"`labels` must be int64 of shape ({len(self.images)},), one for each image. "
                f"Received: {self.labels.dtype} of shape {self.labels.shape}"
            )

    def __len__(self):
        """Return the number of images."""
        return len(self.images)

    def first(self, n):
        """Return the set of the first `n` images, or of all where there are fewer.

        Parameters
        ----------
        n : int
            How many images, at least 1.

        Returns
        -------
        ImageSet

        Raises
        ------
        ValueError
            If `n` is not an integer or < 1.
        """
        n = check_integer("n", n, minimum=1)
        return ImageSet(self.images[:n], self.labels[:n], self.class_names)
