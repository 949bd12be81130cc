"""Which TensorFlow, Keras and Python the package runs on: stated once, kept by pip, and refused by name."""

import configparser
import importlib.metadata
import json
import pathlib
import re
import shutil
import subprocess
import sys

import keras
import pytest
import tensorflow as tf
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import keras_vae as kv

ROOT = pathlib.Path(__file__).parents[1]
CONFIG = configparser.ConfigParser()
CONFIG.read(ROOT / "setup.cfg")
NEEDS = {need.name: need for need in map(Requirement, CONFIG["options"]["install_requires"].split("\n")[1:])}
OLDEST = dict(re.findall(r"'([\w-]+)==([\d.]+)\.\*'", (ROOT / "Makefile").read_text()))


def test_the_oldest_versions_that_are_tested_are_the_oldest_that_are_allowed():
    assert set(OLDEST) == {"tensorflow", "keras", "tf-keras", "numpy"}
    for name in ("tensorflow", "keras", "tf-keras"):
        assert f">={OLDEST[name]}," in f"{next(str(s) for s in NEEDS[name].specifier if s.operator == '>=')},"


def test_what_is_installed_is_in_the_range():
    for name, installed in (("tensorflow", tf.__version__), ("keras", keras.__version__)):
        assert installed in NEEDS[name].specifier
    assert tf.__version__.split(".")[:2] == importlib.metadata.version("tf-keras").split(".")[:2]


def closure(*names):
    """Return the installed distributions that these need, these among them."""
    found, pending = {}, [canonicalize_name(name) for name in names]
    while pending:
        name = pending.pop()
        if name not in found:
            found[name] = importlib.metadata.distribution(name)
            needs = map(Requirement, found[name].requires or ())
            pending += [
                canonicalize_name(n.name) for n in needs if n.marker is None or n.marker.evaluate({"extra": ""})
            ]
    return found


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A Python environment where, for pip, TensorFlow and Keras are installed as they are here, and no more.

    pip decides by the metadata of what is installed, so they are all that is copied.
    """
    folder = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for distribution in closure("tensorflow", "keras").values():
        shutil.copytree(distribution._path, packages / distribution._path.name)
    return folder / "bin" / "python"


@pytest.mark.parametrize("extras", ["", "[litert]", "[notebooks]", "[onnx]", "[serving]"])
def test_installing_the_package_changes_neither_tensorflow_nor_keras(image, extras, tmp_path):
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for package in ("keras_vae", "keras_vae_cli"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "--python", image, "install", "--dry-run", "--quiet", "--report"]
    report = tmp_path / "report.json"
    done = subprocess.run([*command, report, f"{tmp_path}{extras}"], capture_output=True, text=True, check=False)
    if "No matching distribution found for setuptools" in done.stderr:
        pytest.skip("pip reaches no index")
    assert done.returncode == 0, done.stderr
    installed = {canonicalize_name(part["metadata"]["name"]) for part in json.loads(report.read_text())["install"]}
    assert {"keras-vae", "tf-keras", "tensorflow-probability"} <= installed
    assert not installed & {"tensorflow", "keras", "numpy", "h5py", "ml-dtypes", "protobuf"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: kv.optimizers.NormScaledMuon(),
            r"`NormScaledMuon` must have Keras 3.13 or later: pip install 'keras>=3.13', or take `NormScaledAdam`. "
            r"Received: Keras 3.12.4",
        ),
        (
            lambda: kv.export.litert(None, "served"),
            r"`export.litert` must have Keras 3.13 or later: .* take `export.onnx` or `export.saved_model`. "
            r"Received: Keras 3.12.4",
        ),
    ],
)
def test_what_needs_a_newer_keras_says_so(make, message, monkeypatch):
    monkeypatch.setattr(keras, "__version__", "3.12.4")
    with pytest.raises(ImportError, match=message):
        make()
