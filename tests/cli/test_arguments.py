"""Names of models, data sets, folders and files: found or refused without TensorFlow, in the command line's words."""

import pathlib

import keras
import pytest

import keras_vae as kv
from keras_vae.data.image_files import MAX_PIXELS
from keras_vae.data.sources import SOURCES
from keras_vae_cli import main, options
from keras_vae_cli.arguments import DATASETS, check_dataset, check_images, pretrained_models
from keras_vae_cli.command import Mistake
from keras_vae_cli.settings import ACTIVATIONS


def test_what_is_known_without_tensorflow_is_what_the_package_knows(saved, tmp_path, monkeypatch):
    assert sorted(DATASETS) == sorted(SOURCES)
    assert options.MAX_PIXELS == MAX_PIXELS
    for name in ACTIVATIONS:
        assert callable(keras.activations.get(name))
    (tmp_path / "known").mkdir()
    (tmp_path / "known" / "model.keras").write_bytes(saved.read_bytes())
    for directory in ("", str(tmp_path)):
        monkeypatch.setenv("KERAS_VAE_MODELS", directory)
        assert pretrained_models() == kv.pretrained.available()
    assert "known" in pretrained_models()


def test_a_folder_is_found_without_a_slash_and_a_data_set_goes_before_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("photos", "digits"):
        (tmp_path / name).mkdir()
    folder = str(tmp_path.resolve() / "photos")
    assert check_dataset("photos") == check_dataset("photos/") == check_images("photos") == folder
    assert check_dataset("digits") == check_images("digits") == "digits"
    assert check_dataset("digits/") == str(tmp_path.resolve() / "digits")
    (tmp_path / "a.png").touch()
    assert check_images("a.png") == "a.png"


@pytest.mark.parametrize(
    ("check", "name", "message"),
    [
        (
            check_dataset,
            "fashon_mnist",
            "No such data set or folder: 'fashon_mnist'. Did you mean 'fashion_mnist'? Data",
        ),
        (check_dataset, "xyz", "No such data set or folder: 'xyz'. Data sets: cartoon_faces, cifar10, digits, "),
        (check_dataset, "no/photos", "No such folder: 'no/photos'"),
        (
            check_dataset,
            "setup.cfg",
            "`DATASET` must be the name of a data set or a folder. Received: 'setup.cfg', a file",
        ),
        (check_images, "nosuch.jpg", "No such file: 'nosuch.jpg'"),
        (check_images, "no/such", "No such file or folder: 'no/such'"),
        (check_images, "digts", "No such data set, folder or file: 'digts'. Did you mean 'digits'?"),
    ],
)
def test_a_name_that_leads_nowhere_is_told_apart(monkeypatch, check, name, message):
    monkeypatch.chdir(pathlib.Path(kv.__file__).parents[1])
    with pytest.raises(Mistake) as caught:
        check(name)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train fashon_mnist --output x", "No such data set or folder: 'fashon_mnist'. Did you mean 'fashion_mnist'?"),
        ("train no/photos --output x", "No such folder: 'no/photos'"),
        (
            "train digits --activation leaky --output x",
            "`--activation`: 'leaky' is not one of Keras's activations. Did",
        ),
        ("train digits --bata 2 --output x", "No such option: `--bata`. Did you mean `--beta`?"),
        ("train digits", "`--output` is missing."),
        ("train --output x", "`DATASET` is missing."),
        ("train digits --beta -1 --output x", "`--beta` must be greater than or equal to 0"),
        (
            "train digits --prior vampp --output x",
            "`--prior` must be one of 'standard_normal', 'gaussian_mixture', 'vamp'. Did you mean 'vamp'? Received: ",
        ),
        ("train digits --start-from fashion --output x", "No such model: 'fashion'. Did you mean 'fashion_mnist_"),
        ("tran digits", "No such command: 'tran'. Did you mean 'train'?"),
        ("evaluate fashion_mnist_3d digits", "No such model: 'fashion_mnist_3d'. Did you mean 'fashion_mnist_"),
        ("evaluate no.keras digits", "No such file: 'no.keras'"),
        ("evaluate runs/no digits", "No such run: 'runs/no'"),
        ("evaluate fashion_mnist_2d digts", "No such data set or folder: 'digts'. Did you mean 'digits'?"),
        (
            "evaluate fashion_mnist_2d --limit none",
            "`--limit`: 'none' is neither a whole number above 0 nor the word all.",
        ),
        ("reconstruct fashion_mnist_2d no.jpg --output x.png", "No such file: 'no.jpg'"),
        ("encode fashion_mnist_2d no.jpg --output x.csv", "No such file: 'no.jpg'"),
        (
            "score fashion_mnist_2d digits --output x.txt",
            "`--output` must end in .csv, for a table; or end in .npz, for",
        ),
        ("interpolate fashion_mnist_2d a.png b.png --output x.png", "`START` must be an image file, or with --dataset"),
        ("generate fashion_mnist_2d --output x.npy --output ./x.npy", "`--output` must name each file once"),
    ],
)
def test_a_mistake_is_one_line_in_the_words_of_the_command_line_before_tensorflow_starts(
    tmp_path, monkeypatch, capsys, command, message
):
    monkeypatch.chdir(tmp_path)
    assert main(command.split()) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"keras-vae: {message}")
    assert errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_that_the_package_finds_names_the_option(faces, tmp_path, capsys):
    folder, _ = faces
    assert main(["train", str(folder), "--holdout", "0.0001", "--output", str(tmp_path / "x")]) == 2
    assert capsys.readouterr().err == (
        "keras-vae: `--holdout` must leave images for validation. Received: --holdout 0.0001 for 12 images\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_the_directory_of_a_run_is_no_data_set(tmp_path):
    (tmp_path / "model.keras").touch()
    with pytest.raises(Mistake) as caught:
        check_dataset(str(tmp_path))
    assert "the directory of a run" in caught.value.message
    assert "--start-from" in caught.value.message
