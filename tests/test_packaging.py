"""The wheel: what is in it, what it asks for, and what importing it costs."""

import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

import keras_vae as kv

ROOT = pathlib.Path(__file__).parents[1]

IMPORT_ALONE = """
import sys
sys.path.insert(0, sys.argv[1])
import keras, tensorflow, tensorflow_probability

before = set(sys.modules)
import keras_vae

added = {name.split(".")[0] for name in set(sys.modules) - before}
unwanted = {"matplotlib", "sklearn", "typer", "keras_vae_cli", "scipy", "pandas", "PIL"} & added
assert not unwanted, unwanted
print(keras_vae.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel from a copy, so that nothing is left in the working tree."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    for package in ("keras_vae", "keras_vae_cli"):
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(built), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = built.glob("*.whl")
    return path


def test_the_wheel_holds_every_module_and_the_marker_of_types(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in ("keras_vae", "keras_vae_cli")
        for path in (ROOT / package).rglob("*.py")
    }
    assert expected | {"keras_vae/py.typed"} == {name for name in held if ".dist-info/" not in name}


def test_the_wheel_says_version_licence_and_needs(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (info,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        metadata = archive.read(f"{info}/METADATA").decode()
        commands = archive.read(f"{info}/entry_points.txt").decode()
        assert any(name.startswith(f"{info}/") and name.endswith("LICENSE") for name in archive.namelist())
    assert info == f"keras_vae-{kv.__version__}.dist-info"
    lines = metadata.splitlines()
    assert "Name: keras-vae" in lines
    assert f"Version: {kv.__version__}" in lines
    assert "Requires-Python: >=3.11" in lines
    assert any(line.startswith("Requires-Dist: tensorflow[and-cuda]") and 'extra == "gpu"' in line for line in lines)
    assert any(line.startswith("Requires-Dist: tensorflow-probability[tf]") for line in lines)
    assert "keras-vae = keras_vae_cli:main" in commands


def test_the_installed_wheel_imports_without_what_is_needed_later(wheel, tmp_path):
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    subprocess.run([*command, str(tmp_path), str(wheel)], check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALONE, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert pathlib.Path(done.stdout.strip()).is_relative_to(tmp_path)
