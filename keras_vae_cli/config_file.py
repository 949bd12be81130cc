"""The file that repeats a run: TOML, which people can write and comment; Python reads it, and tomli-w writes it."""

import dataclasses
import difflib
import importlib.metadata
import tomllib

from keras_vae_cli.arguments import CONFIG_FILE, locate
from keras_vae_cli.command import Mistake, printable
from keras_vae_cli.settings import Settings, model_fields

# What older versions wrote.
_RENAMED = {("broken_files", "raise"): "refuse"}

_MOST_BYTES = 2**20
_KEYS = tuple(field.name for field in dataclasses.fields(Settings))


def read_words(path):
    """Read a config file into what would have been typed on the command line.

    Words, and not values: so a file passes the same checks as the command line does.
    """
    found = _parsed(path)
    return {key: _words(path, key, value) for key, value in found.items()}


def _parsed(path):
    """Parse a TOML file: an ordinary one of a size that is meant."""
    try:
        if path.exists() and (not path.is_file() or path.stat().st_size > _MOST_BYTES):
            raise Mistake(
                f"`--config` must be an ordinary file of at most {_MOST_BYTES:,} bytes. Received: {str(path)!r}"
            )
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Mistake(f"`--config` must be a file. Received: {str(path)!r} ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise Mistake(f"`--config` must be a TOML file. Received: {str(path)!r} ({_shown(error)})") from error


def _shown(value):
    return printable(str(value))[:200]


def _words(path, key, value):
    if key not in _KEYS:
        near = difflib.get_close_matches(key.replace("-", "_"), _KEYS, n=1, cutoff=0.0)[0]
        raise Mistake(
            f"`--config` must have known keys; the nearest is {near!r}. Received: {_shown(key)!r} in {str(path)!r}"
        )
    if isinstance(value, list) and value and all(type(item) is int for item in value):
        return ",".join(map(str, value))
    if not isinstance(value, (bool, int, float, str)):
        raise Mistake(
            f"`{key}` in {str(path)!r} must be a number, a string or a list of integers. Received: {_shown(value)}"
        )
    return _RENAMED.get((key, value), str(value))


def read_model_words(model):
    """Read what would have been typed for the parts of a model that a run has trained; nothing if it has no config."""
    path = locate(model).parent / CONFIG_FILE
    words = read_words(path) if path.is_file() else {}
    is_folder = "channels" in words  # of cartoon_faces the size is not the model's alone
    return {key: words[key] for key in model_fields() if key in words and (is_folder or key not in ("image_size",))}


def write_config(settings, path):
    """Write the file that repeats a run."""
    import tomli_w  # here, for the sake of a quick `--help`

    from keras_vae.core import atomic_write

    values = {name: value for name, value in dataclasses.asdict(settings).items() if value is not None}
    head = (
        f"# keras-vae {importlib.metadata.version('keras-vae')}. To repeat the run:\n"
        "# keras-vae train --config config.toml --output ANOTHER_DIRECTORY\n\n"
    )
    with atomic_write(path) as aside:
        aside.write_text(head + tomli_w.dumps(values), encoding="utf-8")


def read_settings(path):
    """Read the settings that `write_config` wrote."""
    read_words(path)
    return settings_from(_parsed(path), path)


def settings_from(values, path):
    """Make settings of what a file holds, by the name of each."""
    values = values if isinstance(values, dict) else {}
    unknown = sorted(set(values) - set(_KEYS))
    if unknown or "dataset" not in values:
        received = printable(f"{unknown[0]!r}" if unknown else ", ".join(values) or "nothing")
        raise Mistake(f"{str(path)!r} must hold the settings of a run, its data set among them. Received: {received}")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return Settings(
        **{
            name: value if isinstance(value, tuple) else _RENAMED.get((name, str(value)), value)
            for name, value in values.items()
        }
    )
