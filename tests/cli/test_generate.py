"""`keras-vae generate`: pictures and arrays of what the model's own `generate` gives."""

import keras
import numpy as np
import pytest
from PIL import Image

import keras_vae as kv
from keras_vae_cli import main
from tests.cli.models import tiny


def test_all_three_outputs_hold_what_the_model_generates(colour, tmp_path, capsys):
    outputs = [tmp_path / name for name in ("grid.png", "all.npy", "single")]
    options = [word for path in outputs for word in ("--output", str(path))]
    assert main(["generate", str(colour), "--num", "11", "--seed", "5", *options]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Starting TensorFlow",
        f"Generating 11 images with {colour}, seed 5",
        f"Wrote {outputs[0]}, {outputs[1]}, {outputs[2]} (11 files)",
    ]
    expected = np.clip(keras.models.load_model(colour).generate(11, seed=5), 0, 1)
    np.testing.assert_allclose(np.load(outputs[1]), expected, atol=1e-6)
    files = sorted(outputs[2].iterdir())
    assert [path.name for path in files] == [f"{number:04}.png" for number in range(11)]
    for path, image in zip(files, expected, strict=True):
        with Image.open(path) as picture:
            np.testing.assert_allclose(np.asarray(picture) / 255, image, atol=0.5 / 255 + 1e-6)
    with Image.open(outputs[0]) as picture:
        assert min(picture.size) > 200


def test_whole_numbers_and_their_codes_become_grey_values(tmp_path):
    expected = {}
    for name, encoding in (("integer", "integer"), ("code", "one_hot")):
        tiny(kv.likelihoods.Categorical((8, 8, 1), 5, encoding=encoding)).save(tmp_path / f"{name}.keras")
        output = tmp_path / f"{name}.npy"
        assert main(["generate", str(tmp_path / f"{name}.keras"), "--num", "3", "--output", str(output)]) == 0
        images = np.load(output)
        assert images.shape == (3, 8, 8, 1)
        assert images.min() >= 0 and images.max() <= 1
        expected[name] = kv.load_model(tmp_path / f"{name}.keras").generate(3, seed=0)
    np.testing.assert_allclose(np.load(tmp_path / "integer.npy"), expected["integer"] / 4, rtol=1e-5)
    np.testing.assert_allclose(np.load(tmp_path / "code.npy"), expected["code"] @ np.arange(5) / 4, rtol=1e-5)


def test_the_directory_of_a_run_and_a_pretrained_name_stand_for_their_models(saved, tmp_path, monkeypatch):
    (tmp_path / "models" / "small").mkdir(parents=True)
    (tmp_path / "models" / "small" / "model.keras").write_bytes(saved.read_bytes())
    monkeypatch.setenv("KERAS_VAE_MODELS", str(tmp_path / "models"))
    arrays = []
    for number, model in enumerate((str(saved), str(tmp_path / "models" / "small"), "small")):
        output = tmp_path / f"{number}.npy"
        assert main(["generate", model, "--num", "2", "--output", str(output)]) == 0
        arrays.append(np.load(output))
    np.testing.assert_array_equal(arrays[0], arrays[1])
    np.testing.assert_array_equal(arrays[0], arrays[2])


def test_older_files_are_not_overwritten_in_silence(saved, tmp_path, capsys):
    file, directory = tmp_path / "all.npy", tmp_path / "single"
    file.write_text("years of work")
    directory.mkdir()
    (directory / "0001.png").write_text("years of work")
    for output in (file, directory):
        assert main(["generate", str(saved), "--num", "2", "--output", str(output)]) == 2
        output, errors = capsys.readouterr()
        assert (output, errors.count("\n")) == ("", 1)
        assert errors.startswith("keras-vae: `--output` already exists: take another name, or --overwrite")
    options = ["--output", str(file), "--output", str(directory), "--overwrite"]
    assert main(["generate", str(saved), "--num", "2", *options]) == 0
    assert np.load(file).shape == (2, 8, 8, 1)
    with Image.open(directory / "0001.png") as picture:
        assert picture.size == (8, 8)


@pytest.mark.parametrize(
    ("model", "output", "message"),
    [
        ("no/such", "x.png", "No such run: 'no/such'"),
        ("such.keras", "x.png", "No such file: 'such.keras'"),
        ("empty", "x.png", "`MODEL` must be a directory with a model.keras. Received: 'empty'"),
        ("cut", "x.png", "of this one there is cut/unfinished/model.keras. Received: 'cut'"),
        ("MODEL", "x.jpg", "end in .png, for a picture; or end in .npy, for an array; or have no ending"),
        ("MODEL", "odd.npy", "`--output` must be an array. Received: 'odd.npy'"),
    ],
)
def test_a_mistake_is_reported_in_one_line_before_tensorflow_starts(
    saved, tmp_path, monkeypatch, capsys, model, output, message
):
    monkeypatch.chdir(tmp_path)
    for directory in ("empty", "cut/unfinished", "odd.npy"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "cut" / "unfinished" / "model.keras").touch()
    assert main(["generate", str(saved) if model == "MODEL" else model, "--output", output]) == 2
    said, errors = capsys.readouterr()
    assert said == ""
    assert errors.startswith("keras-vae: ")
    assert message in errors
    assert errors.count("\n") == 1


def test_a_name_that_no_pretrained_model_has_is_told_with_those_that_exist(saved, tmp_path, monkeypatch, capsys):
    (tmp_path / "known").mkdir()
    (tmp_path / "known" / "model.keras").write_bytes(saved.read_bytes())
    monkeypatch.setenv("KERAS_VAE_MODELS", str(tmp_path))
    assert main(["generate", "unknown", "--output", str(tmp_path / "x.png")]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("keras-vae: No such model: 'unknown'. Did you mean 'known'? The pretrained models here: ")
    assert errors.count("\n") == 1


def test_vectors_are_written_as_an_array_and_not_as_pictures(tmp_path, capsys):
    model = tmp_path / "vectors.keras"
    tiny(kv.likelihoods.Gaussian((6,), scale=0.3)).save(model)
    assert main(["generate", str(model), "--num", "3", "--output", str(tmp_path / "x.npy")]) == 0
    assert np.load(tmp_path / "x.npy").shape == (3, 6)
    for output in ("x", "x.png"):
        assert main(["generate", str(model), "--num", "3", "--output", str(tmp_path / output)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
        assert not (tmp_path / output).exists()
