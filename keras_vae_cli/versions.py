"""What a run was made with."""

import importlib.metadata
import platform

_DISTRIBUTIONS = {
    "keras_vae": "keras-vae",
    "tensorflow": "tensorflow",
    "keras": "keras",
    "tensorflow_probability": "tensorflow-probability",
    "numpy": "numpy",
}


def versions():
    """Return the versions that a run's numbers depend on.

    Returns
    -------
    dict
        From the name of a package, or "python", to its version.
    """
    found = {name: importlib.metadata.version(distribution) for name, distribution in _DISTRIBUTIONS.items()}
    return {**found, "python": platform.python_version()}
