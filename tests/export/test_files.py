"""Exports as files: versions, whole or not at all, metadata, and what happens to those that are broken."""

import importlib
import json
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest

import keras_vae as kv
from keras_vae.export import metadata
from tests.models.conftest import small_vae
from tests.models.test_load_model import attempt

MODULE = importlib.import_module("keras_vae.export.saved_model")  # its name in the room is the function's
METADATA, DIGESTS = "assets.extra/keras_vae.json", "assets.extra/sha256sums"


@pytest.fixture(scope="module")
def vae():
    return small_vae()


@pytest.fixture(scope="module")
def export(vae, tmp_path_factory):
    return kv.export.saved_model(vae, tmp_path_factory.mktemp("export") / "small")


@pytest.fixture
def copy(export, tmp_path):
    return pathlib.Path(shutil.copytree(export, tmp_path / "7"))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_versions_are_counted_from_the_latest(vae, tmp_path):
    (tmp_path / "model" / "41").mkdir(parents=True)
    (tmp_path / "model" / "notes").mkdir()
    path = kv.export.saved_model(vae, str(tmp_path / "model"))
    assert path == tmp_path / "model" / "42"
    with pytest.raises(FileExistsError, match=rf"`version` must be one that is not there yet. Received: '{path}', whi"):
        kv.export.saved_model(vae, tmp_path / "model", version=42)
    assert names(tmp_path / "model") == ["41", "42", "notes"]


@pytest.mark.parametrize("version", [0, -1, 1.5, "1", True])
def test_a_version_is_a_whole_number_from_1(vae, tmp_path, version):
    with pytest.raises(ValueError, match="`version` must be"):
        kv.export.saved_model(vae, tmp_path / "model", version=version)
    assert not (tmp_path / "model").exists()


def test_what_is_no_model_and_what_is_no_range_are_refused(vae, tmp_path):
    with pytest.raises(TypeError, match="`vae` must be a model of keras_vae"):
        kv.export.saved_model(vae.encoder, tmp_path)
    with pytest.raises(ValueError, match=r"`image_range` must be a pair \(low, high\) with low < high"):
        kv.export.saved_model(vae, tmp_path, image_range=(1, 0))


def test_an_export_that_fails_leaves_nothing(vae, tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(MODULE, "write_metadata", fail)
    with pytest.raises(OSError, match="No space left"):
        kv.export.saved_model(vae, tmp_path / "model")
    assert names(tmp_path / "model") == []


def test_a_version_that_somebody_else_wrote_meanwhile_stays(vae, tmp_path, monkeypatch):
    def meanwhile(directory, *arguments):
        (tmp_path / "1").mkdir()
        (tmp_path / "1" / "saved_model.pb").write_text("theirs")

    monkeypatch.setattr(MODULE, "write_metadata", meanwhile)
    with pytest.raises(OSError, match="not empty"):
        kv.export.saved_model(vae, tmp_path)
    assert names(tmp_path) == ["1"]
    assert (tmp_path / "1" / "saved_model.pb").read_text() == "theirs"


def test_another_user_may_read_an_export(export):
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in [export, *export.rglob("*")])


def test_metadata_tell_what_the_model_is(export):
    told = kv.export.read_metadata(export)
    assert told["format_version"] == 1
    assert told["versions"]["keras_vae"] == kv.__version__
    assert (told["model"], told["likelihood"], told["event_shape"], told["latent_dim"]) == ("VAE", "Bernoulli", [6], 2)
    assert told["signatures"]["encode"] == {
        "inputs": {"x": {"dtype": "float32", "shape": [None, 6]}},
        "outputs": {
            "mean": {"dtype": "float32", "shape": [None, 2]},
            "scale": {"dtype": "float32", "shape": [None, 2]},
        },
    }
    assert kv.export.read_metadata(export.parent) == told  # the latest version


def test_digests_are_what_sha256sum_checks(copy):
    def check():
        return subprocess.run(
            ["sha256sum", "--check", "--strict", "assets.extra/sha256sums"], cwd=copy, capture_output=True, check=False
        ).returncode

    assert check() == 0
    (copy / "saved_model.pb").write_bytes(b"another graph")
    assert check() == 1


def test_what_is_no_export_is_refused_by_name(tmp_path, copy):
    with pytest.raises(FileNotFoundError, match=rf"must be a model that `saved_model` exported. .* '{tmp_path}/none'"):
        kv.export.read_metadata(tmp_path / "none")
    (copy / DIGESTS).unlink()
    with pytest.raises(FileNotFoundError, match=f"no {DIGESTS} in '{copy}'"):
        kv.export.read_metadata(copy)


def test_an_export_of_a_later_format_is_refused(copy):
    told = json.loads((copy / METADATA).read_text())
    (copy / METADATA).write_text(json.dumps({**told, "format_version": 99}))
    lines = [line for line in (copy / DIGESTS).read_text().splitlines(keepends=True) if METADATA not in line]
    (copy / DIGESTS).write_text("".join([*lines, f"{metadata._digest(copy / METADATA)}  {METADATA}\n"]))
    with pytest.raises(ValueError, match=r"`format_version` <= 1; .* Upgrade keras_vae. Received: format_version=99"):
        kv.export.read_metadata(copy)


def test_every_broken_file_of_an_export_is_named(export, copy):
    generator = np.random.default_rng(0)
    told = kv.export.read_metadata(export)
    for file in sorted(path for path in copy.rglob("*") if path.is_file()):
        good = file.read_bytes()
        for _ in range(25):
            broken = bytearray(good)
            if generator.random() < 0.3:
                broken = broken[: generator.integers(len(broken))]
            else:
                broken[generator.integers(len(broken))] ^= 1 << generator.integers(8)
            file.write_bytes(broken)
            # A broken list of digests is named, or what it names wrongly; the directory's name is in both.
            expected = str(copy) if file.name == "sha256sums" else str(file)
            found, refusal = attempt(kv.export.read_metadata, copy)
            assert expected in refusal or (file.name == "sha256sums" and found == told)
        file.write_bytes(good)
    assert kv.export.read_metadata(copy) == told


def test_a_file_that_is_gone_is_named(copy):
    (copy / "variables" / "variables.index").unlink()
    with pytest.raises(ValueError, match=re.escape(f"'{copy}/variables/variables.index' must be as it was written")):
        kv.export.read_metadata(copy)


def test_the_programs_of_the_guide_run(tmp_path, monkeypatch):
    guide = (pathlib.Path(kv.__file__).parents[1] / "docs" / "export.md").read_text(encoding="utf-8")
    small_vae((28, 28, 1)).save(tmp_path / "fashion.keras")
    monkeypatch.chdir(tmp_path)
    results = {}
    for program in re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL):
        exec(program, results)
    assert results["images"].shape == (2, 28, 28, 1)
    for name in results["metadata"]["signatures"]:
        assert f"`{name}`" in guide
