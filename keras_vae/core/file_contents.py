"""Files that anybody may have written or damaged: read against a schema, and refused by their names."""

import os
import pathlib
from typing import Any

import pydantic

# What the package writes beside models is far smaller.
_MOST_BYTES = 64 * 2**20
_SHOWN = 200


class BrokenFileError(ValueError):
    """A file does not hold what it must; the message names it and says what is wrong."""


def read_json(path: str | os.PathLike[str], schema: Any) -> Any:
    """Read a JSON file.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    schema : type
        What it must hold, as pydantic takes it: a class with annotations, `dict[str, float]` and so on.

    Returns
    -------
    object
        Of the schema's type.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    BrokenFileError
        If it is not an ordinary file, is too large, is not JSON, or holds something else.
    """
    return parse_json(read_bytes(path), schema, str(path))


def parse_json(content: bytes, schema: Any, name: str) -> Any:
    """Read JSON that is in memory, as `read_json` does.

    Parameters
    ----------
    content : bytes
        The JSON.
    schema : type
        What it must hold.
    name : str
        Of the file, for the message.

    Returns
    -------
    object
        Of the schema's type.

    Raises
    ------
    BrokenFileError
        If it is not JSON, or holds something else.
    """
    try:
        return pydantic.TypeAdapter(schema).validate_json(content, strict=True)
    except pydantic.ValidationError as error:
        raise _broken(name, *_first(error)) from error


def check_content(content: Any, schema: Any, name: str) -> Any:
    """Check what another parser has read, TOML or CSV, as `read_json` does.

    Parameters
    ----------
    content : object
        What was read.
    schema : type
        What it must hold; strings are converted to the numbers that are wanted.
    name : str
        Of the file, for the message.

    Returns
    -------
    object
        Of the schema's type.

    Raises
    ------
    BrokenFileError
        If it holds something else.
    """
    try:
        return pydantic.TypeAdapter(schema).validate_python(content)
    except pydantic.ValidationError as error:
        raise _broken(name, *_first(error)) from error


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Read a small ordinary file: no pipe, which might never end, and nothing larger than is ever meant.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    bytes

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    BrokenFileError
        If it is not an ordinary file, or is too large.
    """
    path = pathlib.Path(path)
    if path.exists() and not path.is_file():
        raise _broken(str(path), "an ordinary file", "a directory, a pipe or a device")
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise _broken(str(path), f"a file of at most {_MOST_BYTES / 1e6:.0f} MB", f"{size / 1e6:.0f} MB")
    return path.read_bytes()


def printable(text: str) -> str:
    """Escape what a terminal would obey or what would reorder a line: text from a file is shown, not carried out.

    Parameters
    ----------
    text : str
        Of one line.

    Returns
    -------
    str
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _first(error):
    """Return what the first of a schema's complaints expected and received."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"])) or "its content"
    received = printable(repr(first["input"]))[:_SHOWN]
    return f"right in `{printable(where)[:_SHOWN]}`: {printable(first['msg'])}", received


def _broken(name, expected, received):
    return BrokenFileError(f"{printable(repr(name))} must be {expected}. Received: {received}")
