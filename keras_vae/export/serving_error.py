"""What a model server answers when it does not answer."""


class ServingError(RuntimeError):
    """A model server refused a request, or could not be reached.

    Parameters
    ----------
    message : str
        What was asked and what came back.
    status : int or str, optional
        Of REST the HTTP code, such as 404; of gRPC the name of the status code, such as "NOT_FOUND"; None where no
        answer came.
    """

    def __init__(self, message: str, status: int | str | None = None):
        super().__init__(message)
        self.status = status
