"""What a run that turned NaN ends with."""


class DivergenceError(FloatingPointError):
    """A training step gave NaN or infinity. It changed nothing, nor did the steps after it.

    Parameters
    ----------
    message : str
        For the user.
    term : {"data", "kl_loss", "reconstruction_loss", "loss", "gradient"}
        What went first, in the order in which a step computes them.
    step : int
        Which training step it was, counted from 1 over all epochs.
    """

    def __init__(self, message, *, term, step):
        super().__init__(message)
        self.term = term
        self.step = step
