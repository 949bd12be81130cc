"""What a command finds around it: what cannot work is refused in a line before TensorFlow starts."""

import json
import os
import pathlib
import resource
import time

# What TensorFlow maps and its threads reserve, with room for a small model.
_LEAST_BYTES = 4 * 10**9
# What the zip format, in which Keras saves, can date.
_YEARS = (1980, 2107)


def mistake_in_environment():
    """Return what is wrong with the environment, or None."""
    config = _keras_config()
    backend = os.environ.get("KERAS_BACKEND") or config.get("backend", "tensorflow")
    if backend != "tensorflow":
        where = "the environment variable KERAS_BACKEND" if os.environ.get("KERAS_BACKEND") else "backend in keras.json"
        return f"Keras's backend must be tensorflow, by {where}. Received: {backend!r}"
    if config.get("floatx", "float32") != "float32":
        return (
            "floatx in keras.json must be float32; `--precision` of train has half precision. "
            f"Received: {config['floatx']!r}"
        )
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < _LEAST_BYTES:
        return f"`ulimit -v` must allow at least {_LEAST_BYTES // 1000:,} kB. Received: {limit // 1024:,}"
    year = time.localtime().tm_year
    if not _YEARS[0] <= year <= _YEARS[1]:
        return f"The clock must be between {_YEARS[0]} and {_YEARS[1]}, which files can be dated. Received: {year}"
    return None


def _keras_config():
    """Read Keras's own settings as it does: without a word where there are none, or they are broken."""
    home = pathlib.Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    try:
        content = json.loads((home / "keras.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
