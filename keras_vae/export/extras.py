"""Libraries that only some users need, imported when they are needed."""

import importlib


def import_extra(module, *, extra):
    """Import a library that an extra of this package brings; without it the error names the extra."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"The extra `{extra}` must be installed: pip install 'keras-vae[{extra}]'. Received: {error}"
        ) from error
