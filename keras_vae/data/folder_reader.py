"""Batches of image files, with what shall happen to broken ones."""

import concurrent.futures
import logging
import os

import numpy as np

from keras_vae.data.broken_image_error import BrokenImageError
from keras_vae.data.image_files import read_image

_logger = logging.getLogger("keras_vae")

# Files whose verification is under way at a time.
_BLOCK = 4096


class FolderReader:
    """Reads images of a folder by their numbers; a broken one is an error, or is skipped and named once.

    Parameters
    ----------
    path : pathlib.Path
        The folder.
    files : sequence of str
        Names within it.
    image_size : tuple of int
        Height and width wanted.
    channels : {1, 3}
        Grey or colour.
    on_error : {"raise", "skip"}
        What happens to broken files.
    """

    def __init__(self, path, files, image_size, channels, on_error):
        self.path = path
        self.files = tuple(files)
        self.image_size = image_size
        self.channels = channels
        self.on_error = on_error
        self._named = set()

    def verify(self):
        """Read each file once, and keep the good ones.

        Raises
        ------
        BrokenImageError
            At the first broken file, unless broken files are skipped.
        ValueError
            If no file is good.
        """
        _logger.info("%s: reading each of %d images once, to find broken ones", self.path, len(self.files))
        good = []
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
            for start in range(0, len(self.files), _BLOCK):
                block = self.files[start : start + _BLOCK]
                good.extend(
                    name for name, is_good in zip(block, threads.map(self._is_good, block), strict=True) if is_good
                )
        if not good:
            raise ValueError(
                f"`path` must hold at least one whole image. Received: {str(self.path)!r}, of whose "
                f"{len(self.files)} images each one is broken"
            )
        self.files = tuple(good)

    def read(self, rows):
        """Read a batch.

        Parameters
        ----------
        rows : numpy.ndarray
            Shape (batch,): the numbers of the files.

        Returns
        -------
        numpy.ndarray
            Shape (number of good files, height, width, channels), uint8.

        Raises
        ------
        BrokenImageError
            If a file is broken, unless broken files are skipped; if all are broken, in any case.
        """
        images = [self._image(self.files[row]) for row in rows]
        good = [image for image in images if image is not None]
        if not good:
            raise BrokenImageError(
                self.path / self.files[rows[0]], f"a batch of {len(rows)} broken files, this the first"
            )
        return np.stack(good)

    def _is_good(self, name):
        return self._image(name) is not None

    def _image(self, name):
        try:
            return read_image(self.path / name, self.image_size, self.channels)
        except BrokenImageError as error:
            if self.on_error == "raise":
                raise
            if name not in self._named:
                self._named.add(name)
                _logger.warning("skipped: %s", error)
            return None
