"""Mistakes of the user, which are told in one line and end the command with exit code 2."""

import contextlib

import typer


class Mistake(typer.TyperException):
    """What the user asked for cannot be done; the message says why and what helps.

    Parameters
    ----------
    message : str
        For the user.
    """

    exit_code = 2


@contextlib.contextmanager
def told_in_one_line(*errors):
    """Turn errors that are the user's to mend into a `Mistake`.

    Parameters
    ----------
    *errors : type
        Classes of exceptions whose message is enough for the user.

    Raises
    ------
    Mistake
        In place of any of these.
    """
    try:
        yield
    except errors as error:
        raise Mistake(str(error)) from error
