"""The command line of a model that is given classes: train, generate by class, and what reads images with classes."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

import keras_vae as kv
from keras_vae_cli import main
from tests.cli.eagerly import eagerly
from tests.cli.models import tiny

TRAIN = ["--condition", "labels", "--architecture", "mlp", "--units", "8", "--latent-dim", "2", "--epochs", "1"]
NAMES = ("cat", "dog")

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Train on digits and return the directory of the run, with its pictures."""
    output = tmp_path_factory.mktemp("run") / "digits"
    with eagerly():
        assert main(["train", "digits", *TRAIN, "--limit", "200", "--batch-size", "100", "--output", str(output)]) == 0
    return output


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    """Return a folder of two folders of 8 grey images each: dark cats and bright dogs."""
    folder, generator = tmp_path_factory.mktemp("pets"), np.random.default_rng(0)
    for label, name in enumerate(NAMES):
        (folder / name).mkdir()
        for number in range(8):
            image = generator.integers(128 * label, 128 * label + 100, (8, 8), np.uint8)
            Image.fromarray(image).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Return the path of a model that is given one of two classes."""
    path = tmp_path_factory.mktemp("model") / "pets.keras"
    likelihood = kv.likelihoods.Gaussian((8, 8, 1), scale=0.3)
    tiny(likelihood, condition=kv.conditions.Labels(2, names=NAMES)).save(path)
    return path


def test_a_run_knows_the_names_of_its_classes_and_draws_them(run):
    vae = kv.load_model(run)
    assert isinstance(vae.condition, kv.conditions.Labels) and vae.condition.num_classes == 10
    assert len(vae.condition.names) == 10
    assert json.loads((run / "metrics.json").read_text())["settings"]["condition"] == "labels"
    with Image.open(run / "samples.png") as picture:
        assert min(picture.size) > 200


def test_a_class_is_generated_by_its_name_or_number(model, tmp_path, capsys):
    arrays = []
    for word in ("Dog", "1"):
        output = tmp_path / f"{word}.npy"
        assert main(["generate", str(model), "--condition", word, "--num", "3", "--output", str(output)]) == 0
        assert f"Generating 3 images of dog with {model}, seed 0" in capsys.readouterr().out
        arrays.append(np.load(output))
    np.testing.assert_array_equal(*arrays)
    expected = keras.models.load_model(model).generate(3, condition=1, seed=0)
    np.testing.assert_allclose(arrays[0], np.clip(expected, 0, 1), atol=1e-6)


def test_without_a_class_all_are_generated_in_turn(model, tmp_path):
    outputs = [word for name in ("all.npy", "all.png") for word in ("--output", str(tmp_path / name))]
    assert main(["generate", str(model), *outputs]) == 0
    expected = keras.models.load_model(model).generate(condition=np.repeat([0, 1], 8), seed=0)
    np.testing.assert_allclose(np.load(tmp_path / "all.npy"), np.clip(expected, 0, 1), atol=1e-6)
    with Image.open(tmp_path / "all.png") as picture:
        assert picture.size[0] > 3 * picture.size[1]  # a row for each class


@pytest.mark.parametrize("table", [False, True], ids=["class folders", "labels.csv"])
def test_a_folder_with_classes_trains_and_is_read(table, pets, tmp_path, no_pictures):
    folder = pets
    if table:
        folder = tmp_path / "flat"
        folder.mkdir()
        rows = ["file,label"]
        for path in sorted(pets.rglob("*.png")):
            (folder / f"{path.parent.name}{path.name}").write_bytes(path.read_bytes())
            rows.append(f"{path.parent.name}{path.name},{path.parent.name}")
        (folder / "labels.csv").write_text("\n".join(rows))
    output = tmp_path / "run"
    options = ["--image-size", "8", "--channels", "1", "--likelihood", "gaussian", "--scale", "0.3", "--holdout", "0.4"]
    assert main(["train", f"{folder}/", *TRAIN, *options, "--output", str(output)]) == 0
    vae = kv.load_model(output)
    assert vae.condition.names == NAMES
    found = tmp_path / "codes.npz"
    assert main(["encode", str(output), f"{folder}/", "--output", str(found)]) == 0
    codes = np.load(found)
    x = kv.data.read_images(folder, list(codes["files"]), (8, 8), channels=1) / np.float32(255)
    np.testing.assert_allclose(codes["z"], vae.encode((x, vae.condition.raw(codes["classes"]))), rtol=1e-4, atol=1e-5)


def test_images_with_classes_are_reconstructed_scored_and_evaluated(model, pets, tmp_path, capsys):
    outputs = {"reconstruct": "pairs.npy", "score": "scores.csv"}
    for command, name in outputs.items():
        assert main([command, str(model), f"{pets}/", "--output", str(tmp_path / name)]) == 0
    assert np.load(tmp_path / "pairs.npy").shape == (16, 8, 8, 1)
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 17
    assert main(["evaluate", str(model), f"{pets}/", "--num-samples", "5"]) == 0
    assert "log_evidence" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["generate", "MODEL", "--condition", "dogs"],
            "`--condition` must be among ['cat', 'dog']. Did you mean 'dog'?",
        ),
        (["generate", "MODEL", "--condition", "2"], "`--condition` must be among ['cat', 'dog']. Received: '2'"),
        (["generate", "PLAIN", "--condition", "dog"], "`--condition` must be left out for a model without classes"),
        (["reconstruct", "MODEL", "FILE"], "`IMAGES` must be a data set, a folder of class folders"),
        (["interpolate", "MODEL", "FILE", "FILE"], "`MODEL` must be one without a condition to interpolate"),
        (
            ["train", "FLAT", *TRAIN, "--likelihood", "gaussian"],
            "must hold the table labels.csv, or two or more folders",
        ),
        (["train", "digits", *TRAIN, "--prior", "vamp"], "`--prior` vamp must be left out with --condition"),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_in_a_line(words, message, model, saved, pets, tmp_path, capsys):
    places = {"MODEL": model, "PLAIN": saved, "FILE": pets / "cat" / "0.png", "FLAT": f"{pets / 'cat'}/"}
    words = [str(places.get(word, word)) for word in words]
    output = tmp_path / ("run" if words[0] == "train" else "out.npy")
    assert main([*words, "--output", str(output)]) == 2
    errors = capsys.readouterr().err
    assert message in errors and errors.count("\n") == 1
