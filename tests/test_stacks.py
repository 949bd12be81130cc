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


PAIR = ("tensorflow", "keras")
# What images for data science have as well.
USUAL = ("matplotlib", "pillow", "rich", "scikit-learn", "scipy")


def image(folder, *names):
    """Make a Python environment where, for pip, these are installed as they are here, with what they need.

    pip decides by the metadata of what is installed, so that is all that is copied.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for distribution in closure(*names).values():
        shutil.copytree(distribution._path, packages / distribution._path.name)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of what pip builds the package from, so that nothing is left in the working tree."""
    folder = tmp_path_factory.mktemp("source")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for package in ("keras_vae", "keras_vae_cli"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.soak
@pytest.mark.parametrize(
    ("installed", "extras", "is_named"),
    [
        (("tf-keras",), "", False),
        # Of tf-keras and the extras pip would take the newest, and TensorFlow with them, unless told which is there.
        ((), "", True),
        ((), "[litert,notebooks,onnx,serving]", True),
    ],
    ids=["beside tf-keras", "without tf-keras", "extras"],
)
def test_pip_installs_the_package_beside_the_pair_that_is_there(installed, extras, is_named, source, tmp_path):
    python = image(tmp_path / "image", *PAIR, *USUAL, *installed)
    named = [f"{name}=={importlib.metadata.version(name)}" for name in PAIR if is_named]
    target = f"{source}{extras}"
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--dry-run", "--quiet", "--report"]
    report = tmp_path / "report.json"
    done = subprocess.run([*command, report, *named, target], capture_output=True, text=True, check=False)
    if "Could not find a version that satisfies the requirement setuptools" in done.stderr:
        pytest.skip("pip reaches no index")
    assert done.returncode == 0, done.stderr
    added = {canonicalize_name(part["metadata"]["name"]) for part in json.loads(report.read_text())["install"]}
    assert {"keras-vae", "tensorflow-probability"} <= added
    assert not added & {*PAIR, *installed, "numpy", "h5py", "ml-dtypes", "protobuf"}


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
