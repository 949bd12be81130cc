"""What `load` raises for a data set that is nowhere to be had."""


class DataNotFoundError(FileNotFoundError):
    """A data set was in none of its places. The message names each place, why it did not answer, and the remedies.

    Parameters
    ----------
    title : str
        What the data set is called.
    looked : sequence of str
        Each place with the reason why it did not answer, in the order of looking.
    remedies : sequence of str
        What the user can do.

    Attributes
    ----------
    title, looked, remedies
        The arguments.
    """

    def __init__(self, title, looked, remedies):
        self.title = title
        self.looked = tuple(looked)
        self.remedies = tuple(remedies)
        super().__init__(
            f"{title} was not found. Looked in: {'; '.join(self.looked)}. What helps: {'; or '.join(self.remedies)}."
        )

    def __reduce__(self):
        """Rebuild from the arguments: an exception is pickled by its message otherwise."""
        return DataNotFoundError, (self.title, self.looked, self.remedies)
