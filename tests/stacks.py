"""Marks for tests of what only a newer Keras has."""

import keras
import pytest


def number(version):
    return tuple(int(part) for part in version.split(".")[:2])


def since_keras(version):
    """Mark a test of what a Keras before this version lacks, and what the package then refuses by name."""
    return pytest.mark.skipif(number(keras.__version__) < number(version), reason=f"wants Keras {version}")
