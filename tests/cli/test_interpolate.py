"""`keras-vae interpolate`: the package's own path between two codes, decoded."""

import keras
import numpy as np
import pytest
from PIL import Image

import keras_vae as kv
from keras_vae_cli import main


@pytest.mark.parametrize("method", ["linear", "spherical"])
def test_a_path_between_files_is_the_decoded_path_between_their_codes(colour, faces, tmp_path, method, capsys):
    folder, images = faces
    outputs = [tmp_path / name for name in ("strip.png", "path.gif", "path.npy", "single")]
    ends = [str(folder / f"face{number:02}.png") for number in (2, 9)]
    options = [word for path in outputs for word in ("--output", str(path))]
    assert main(["interpolate", str(colour), *ends, "--num-steps", "6", "--method", method, *options]) == 0
    assert f"Interpolating with {colour}, {method}" in capsys.readouterr().out

    vae = keras.models.load_model(colour)
    z = vae.encode(images[[2, 9]] / 255)
    expected = np.clip(vae.decode(kv.latents.interpolate(*z, num_steps=6, method=method)), 0, 1)
    np.testing.assert_allclose(np.load(outputs[2]), expected, atol=1e-5)
    assert len(list(outputs[3].iterdir())) == 6
    with Image.open(outputs[0]) as strip, Image.open(outputs[1]) as path:
        assert strip.size[0] > 6 * 60
        # There and back.
        assert path.n_frames == 2 * 6 - 2


def test_numbers_are_images_of_a_data_set_or_of_a_folder(saved, colour, faces, tmp_path):
    folder, images = faces
    assert main(["interpolate", str(saved), "3", "0", "--dataset", "digits", "--output", str(tmp_path / "a.npy")]) == 0
    vae = keras.models.load_model(saved)
    x = kv.data.binarize(kv.data.load("digits")[1].images[[3, 0]], 777)
    np.testing.assert_allclose(np.load(tmp_path / "a.npy")[[0, -1]], vae.reconstruct(x), atol=1e-5)

    command = ["interpolate", str(colour), "11", "4", "--dataset", f"{folder}/", "--output", str(tmp_path / "b.npy")]
    assert main(command) == 0
    expected = np.clip(keras.models.load_model(colour).reconstruct(images[[11, 4]] / 255), 0, 1)
    np.testing.assert_allclose(np.load(tmp_path / "b.npy")[[0, -1]], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["0", "1"], "`--dataset` must be given for a model without the config.toml of its run beside it"),
        (["0", "b.png", "--dataset", "digits"], "`END` must be a number from 0 where --dataset is given"),
        (["0", "297", "--dataset", "digits"], "Images of digits must be numbered from 0 to 296. Received: 297"),
        (["0", "1", "--dataset", "digts"], "No such data set or folder: 'digts'. Did you mean 'digits'?"),
        (["0", "1", "--dataset", "digits", "--num-steps", "1"], "`--num-steps` must be greater than or equal to 2"),
    ],
)
def test_a_mistake_is_reported_in_one_line(saved, tmp_path, capsys, arguments, message):
    assert main(["interpolate", str(saved), *arguments, "--output", str(tmp_path / "x.npy")]) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "x.npy").exists()
