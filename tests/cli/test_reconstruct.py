"""`keras-vae reconstruct`: what the model's own `reconstruct` makes of data sets, folders and files."""

import keras
import numpy as np
import pytest
from PIL import Image

import keras_vae as kv
from keras_vae_cli import main


def test_a_data_set_is_reconstructed_from_what_the_model_is_given(saved, tmp_path, capsys):
    outputs = [tmp_path / name for name in ("pairs.png", "all.npy")]
    command = ["reconstruct", str(saved), "digits", "--num", "7", "--split", "train"]
    assert main([*command, *(word for path in outputs for word in ("--output", str(path)))]) == 0
    assert f"Reconstructing 7 images with {saved}; values drawn once as 0 or 1" in capsys.readouterr().out
    x = kv.data.binarize(kv.data.load("digits")[0].images[:7], 777)
    np.testing.assert_allclose(np.load(outputs[1]), keras.models.load_model(saved).reconstruct(x), atol=1e-6)
    with Image.open(outputs[0]) as picture:
        # Three rows: original, the model's input, reconstruction.
        assert picture.size[1] > 250


def test_folders_and_files_are_brought_to_the_models_size(colour, faces, tmp_path):
    folder, images = faces
    large = tmp_path / "large.png"
    Image.fromarray(images[3]).resize((32, 40), Image.Resampling.NEAREST).save(large)
    output = tmp_path / "single"
    command = ["reconstruct", str(colour), f"{folder}/", str(large), "--num", "100", "--output", str(output)]
    assert main(command) == 0
    files = sorted(output.iterdir())
    assert len(files) == 13
    x = images.astype(np.float32) / np.float32(255)
    expected = np.clip(keras.models.load_model(colour).reconstruct(x), 0, 1)
    for path, image in zip(files, expected, strict=False):
        with Image.open(path) as picture:
            np.testing.assert_allclose(np.asarray(picture) / 255, image, atol=0.5 / 255 + 1e-6)
    with Image.open(files[12]) as picture:
        assert picture.size == (16, 20)


def test_no_more_than_so_many_are_taken_from_all_sources_together(colour, faces, tmp_path, capsys):
    folder, _ = faces
    command = ["reconstruct", str(colour), f"{folder}/", f"{folder}/", "--num", "15"]
    assert main([*command, "--output", str(tmp_path / "x.npy")]) == 0
    assert "Reconstructing 15 images" in capsys.readouterr().out
    array = np.load(tmp_path / "x.npy")
    np.testing.assert_allclose(array[12:], array[:3], atol=1e-6)  # products round by their place in a batch


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("digts", "No such data set, folder or file: 'digts'. Did you mean 'digits'?"),
        ("no/folder/", "No such file or folder: 'no/folder/'"),
        ("text.png", "text.png"),
        ("digits", "`x` must have shape (batch, 20, 16, 3)"),
    ],
)
def test_images_that_do_not_suit_are_reported_in_one_line(colour, tmp_path, monkeypatch, capsys, source, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("no image")
    assert main(["reconstruct", str(colour), source, "--output", "x.npy"]) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "x.npy").exists()
