"""What a file raises that should hold an image and does not."""


class BrokenImageError(ValueError):
    """A file that should hold an image does not; the message names it.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    reason : str
        What is wrong with it.

    Attributes
    ----------
    path, reason
        The arguments.
    """

    def __init__(self, path, reason):
        self.path, self.reason = str(path), str(reason)
        super().__init__(f"{self.path!r} must be a whole image file. Received: {self.reason}")

    def __reduce__(self):
        """Rebuild from the arguments: an exception is pickled by its message otherwise."""
        return BrokenImageError, (self.path, self.reason)
