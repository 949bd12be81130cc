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
    factors : dict of str to numpy.ndarray
        What is known of each image beside its label, by the factor's name: shape (n,), int64, values from 0. Empty
        where nothing is.
    factor_names : dict of str to tuple of str
        For each factor the names of its values.

    Raises
    ------
    ValueError
        If an array has another shape or dtype than the above, or there is not one label, or one value of each factor,
        for each image.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...] = ()
    factors: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    factor_names: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise ValueError(
                "`images` must be uint8 of shape (n, height, width, channels). "
                f"Received: {self.images.dtype} of shape {self.images.shape}"
            )
        named = {"labels": self.labels, **{f"factors[{name!r}]": values for name, values in self.factors.items()}}
        for name, values in named.items():
            if values.shape != (len(self.images),) or values.dtype != np.int64:
                raise ValueError(
                    f"`{name}` must be int64 of shape ({len(self.images)},), one for each image. "
                    f"Received: {values.dtype} of shape {values.shape}"
                )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def first(self, n: int) -> "ImageSet":
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
        factors = {name: values[:n] for name, values in self.factors.items()}
        return ImageSet(self.images[:n], self.labels[:n], self.class_names, factors, self.factor_names)
