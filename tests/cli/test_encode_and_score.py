"""`keras-vae encode` and `score`: what the model's own verbs give, beside the names of the images."""

import csv

import numpy as np
import pytest
from PIL import Image

import keras_vae as kv
from keras_vae_cli import main
from keras_vae_cli.loading import TEST_SEED


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def pets(faces, tmp_path):
    """Return a folder with a folder for each of two classes, and a broken file in one."""
    folder, images = faces
    for number in range(4):
        target = tmp_path / "pets" / ("cats" if number < 3 else "dogs") / f"face{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((folder / f"face{number:02}.png").read_bytes())
    (tmp_path / "pets" / "cats" / "face9.png").write_bytes(b"no image")
    return tmp_path / "pets", images[:4].astype(np.float32) / np.float32(255)


NAMES = ["cats/face0.png", "cats/face1.png", "cats/face2.png", "dogs/face3.png"]


def test_codes_stand_beside_the_names_and_classes_of_their_files(colour, pets, tmp_path, capsys):
    folder, x = pets
    outputs = [tmp_path / "codes.csv", tmp_path / "codes.npz"]
    command = ["encode", str(colour), str(folder), "--broken-files", "skip"]
    assert main([*command, *(word for path in outputs for word in ("--output", str(path)))]) == 0
    said = capsys.readouterr().out
    assert f"1 file of 5 in {folder} left out: no whole images" in said
    assert f"Encoding 4 images, {folder} with {colour}; values grey, in [0, 1]" in said
    expected = kv.load_model(colour).encode(x)
    found = rows(outputs[0])
    assert [(row["file"], row["class"]) for row in found] == [(name, name[:4]) for name in NAMES]
    np.testing.assert_allclose([[float(row["z_0"]), float(row["z_1"])] for row in found], expected, rtol=1e-5)
    with np.load(outputs[1]) as arrays:
        assert list(arrays["files"]) == NAMES
        np.testing.assert_allclose(arrays["z"], expected, rtol=1e-5)


def test_a_broken_file_is_refused_and_the_message_offers_the_option(colour, pets, tmp_path, capsys):
    folder, _ = pets
    for command in ("encode", "score", "evaluate", "reconstruct"):
        option = (
            ("--json", str(tmp_path / "x.json")) if command == "evaluate" else ("--output", str(tmp_path / "x.npz"))
        )
        if command == "reconstruct":
            option = ("--output", str(tmp_path / "x.npy"))
        assert main([command, str(colour), str(folder), *option]) == 2
        errors = capsys.readouterr().err
        assert errors.startswith(
            f"keras-vae: '{folder}/cats/face9.png' must be a whole image file. Received: no image of"
        )
        assert errors.endswith(". --broken-files skip continues without it\n")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["pets"]


def test_scores_are_those_of_the_model_and_of_a_data_set_rows_have_numbers(saved, tmp_path):
    output = tmp_path / "scores.csv"
    command = ["score", str(saved), "digits", "--limit", "150", "--num-samples", "3", "--seed", "5"]
    assert main([*command, "--output", str(output)]) == 0
    test = kv.data.load("digits")[1].first(150)
    expected = kv.load_model(saved).score(kv.data.binarize(test.images, TEST_SEED), num_samples=3, seed=5)
    found = rows(output)
    assert [row["file"] for row in found] == [f"{number:03}" for number in range(150)]
    assert [row["class"] for row in found] == [str(label) for label in test.labels]
    for name in ("elbo", "rate", "distortion"):
        np.testing.assert_allclose([float(row[name]) for row in found], expected[name], rtol=1e-5)
    np.testing.assert_allclose(
        [float(row["elbo"]) for row in found],
        [-float(row["rate"]) - float(row["distortion"]) for row in found],
        rtol=1e-5,
    )


def test_reconstructions_keep_the_names_of_their_files(colour, pets, tmp_path):
    folder, _ = pets
    (folder / "cats" / "face9.png").unlink()
    Image.new("RGB", (16, 20)).save(folder / "cats" / "face0.bmp")
    output = tmp_path / "out"
    assert main(["reconstruct", str(colour), str(folder), "--output", str(output)]) == 0
    found = sorted(path.relative_to(output).as_posix() for path in output.rglob("*.png"))
    assert found == ["cats/face0.bmp.png", "cats/face0.png.png", "cats/face1.png", "cats/face2.png", "dogs/face3.png"]
