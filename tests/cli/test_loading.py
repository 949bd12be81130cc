"""Images by name, from folders and from files, and the run's own settings as their defaults."""

import types

import numpy as np
import pytest

import keras_vae as kv
from keras_vae_cli import main
from keras_vae_cli.config_file import write_config
from keras_vae_cli.loading import Trained, load_images, load_named, load_rows
from keras_vae_cli.resolution import resolved
from keras_vae_cli.settings import Settings


def of_shape(*shape, settings=None):
    """Return what stands for a model of some shape."""
    trained = object.__new__(Trained)
    trained.vae, trained.settings = types.SimpleNamespace(event_shape=shape), settings
    return trained


def test_faces_are_drawn_in_the_size_and_the_number_wanted(monkeypatch):
    asked, digits = [], kv.data.load("digits")

    def load(name, **options):
        asked.append((name, options))
        return digits

    monkeypatch.setattr(kv.data, "load", load)
    load_named("cartoon_faces", image_size=32, limit=3000)
    load_named("cartoon_faces", image_size=32)
    load_named("digits", image_size=32)
    load_images(of_shape(32, 32, 3), ["cartoon_faces"])
    assert asked == [
        ("cartoon_faces", {"image_size": 32, "num_train": 3000}),
        ("cartoon_faces", {"image_size": 32}),
        ("digits", {}),
        ("cartoon_faces", {"image_size": 32, "num_train": 1}),
    ]


def test_each_split_is_that_of_the_data_set():
    sets = dict(zip(("train", "test"), kv.data.load("digits"), strict=True))
    for split, expected in sets.items():
        images = load_images(of_shape(8, 8, 1), ["digits"], split=split)
        np.testing.assert_array_equal(images.pixels, expected.images)
        assert images.classes[:3] == tuple(str(label) for label in expected.labels[:3])
        rows = load_rows(of_shape(8, 8, 1), "digits", [5, 0], split=split)
        np.testing.assert_array_equal(rows.pixels, expected.images[[5, 0]])


def test_files_are_read_at_the_models_size_and_with_its_channels(faces):
    folder, images = faces
    found = load_images(of_shape(20, 16, 3), [f"{folder}/"])
    np.testing.assert_array_equal(found.pixels, images)
    assert found.names == tuple(f"face{number:02}.png" for number in range(12))
    grey = load_images(of_shape(10, 8, 1), [str(folder / "face02.png"), f"{folder}/"], limit=4)
    assert (grey.pixels.shape, grey.pixels.dtype) == ((4, 10, 8, 1), np.uint8)
    np.testing.assert_array_equal(grey.pixels[0], grey.pixels[3])
    spaced = load_images(of_shape(20, 16, 3), [f"{folder}/"], limit=3, spaced=True)
    np.testing.assert_array_equal(spaced.pixels, images[[0, 6, 11]])
    assert spaced.in_words() == f"3 images of 12, {folder}/"


def test_sources_that_do_not_go_together_are_refused(faces):
    folder, _ = faces
    with pytest.raises(ValueError, match="`images` must all be of one shape"):
        load_images(of_shape(20, 16, 3), ["digits", f"{folder}/"])
    with pytest.raises(ValueError, match="The model must be one of images"):
        load_images(of_shape(64), [f"{folder}/"])
    with pytest.raises(ValueError, match="Images of .* must be numbered from 0 to 11. Received: 12"):
        load_rows(of_shape(20, 16, 3), f"{folder}/", [0, 12])


@pytest.fixture
def run_on(saved, tmp_path):
    """Return a function that puts a model into the directory of a run of some settings."""

    def make(dataset, **settings):
        directory = tmp_path / "run"
        directory.mkdir(exist_ok=True)
        (directory / "model.keras").write_bytes(saved.read_bytes())
        write_config(resolved(Settings(dataset=dataset, **settings)), directory / "config.toml")
        return directory

    return make


@pytest.mark.parametrize(
    ("binarize", "words"),
    [
        ("none", "grey, in [0, 1]"),
        ("dynamic", "drawn once as 0 or 1, seed 777"),
        ("fixed", "drawn once as 0 or 1, seed"),
    ],
)
def test_values_are_by_default_those_that_the_run_was_trained_on(run_on, tmp_path, capsys, binarize, words):
    run = run_on("digits", binarize=binarize)
    images = kv.data.load("digits")[1].images[:3]
    x, values = Trained(str(run)).observations(images)
    assert values.startswith(words) and values.endswith(", as the run was trained")
    is_grey = bool(((x > 0) & (x < 1)).any())
    assert is_grey == (binarize == "none")
    other = Trained(str(run)).observations(images, "fixed" if is_grey else "none")[0]
    assert bool(((other > 0) & (other < 1)).any()) != is_grey
    # And so in the commands, without a data set too.
    for command in (["evaluate", str(run), "--limit", "2", "--num-samples", "2"],):
        assert main(command) == 0
        said = capsys.readouterr().out
        assert f"on 2 images of 297, the test set of digits, 8 x 8 x 1; values {words}" in said


def test_of_the_folder_that_a_run_was_trained_on_the_images_held_out_are_taken(faces, run_on):
    folder, images = faces
    trained = Trained(str(run_on(str(folder), image_size=(8,), channels=1, holdout=0.4)))
    parts = {split: load_images(trained, [str(folder)], split=split) for split in ("test", "train")}
    held_out = kv.data.image_folder(folder, 8, validation_split=0.4, subset="validation").files
    assert parts["test"].names == held_out
    assert sorted(parts["test"].names + parts["train"].names) == [
        f"face{number:02}.png" for number in range(len(images))
    ]
    assert parts["test"].in_words().endswith(f"the test images of {folder}")
    assert load_images(trained, None).names == held_out
    # Who names a folder has all of it.
    assert len(load_images(trained, [str(folder)])) == len(images)


def test_a_config_is_taken_beside_the_model_of_a_run_alone(run_on, tmp_path, capsys):
    run = run_on("digits")
    other = run / "other.keras"
    other.write_bytes((run / "model.keras").read_bytes())
    (run / "config.toml").write_text("colour = 'red'\n")
    assert Trained(str(other)).settings is None
    assert main(["generate", str(run), "--output", str(tmp_path / "x.npy")]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("keras-vae: The config of a run must have known keys; the nearest is ")
    assert f"Received: 'colour' in '{run}/config.toml'" in errors
    assert main(["evaluate", str(other)]) == 2
    assert "`DATASET` must be given for a model without the config.toml of its run" in capsys.readouterr().err


def test_broken_files_are_passed_over_where_the_run_did_so(faces, run_on, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for number in range(3):
        name = f"face{number:02}.png"
        (broken / name).write_bytes((faces[0] / name).read_bytes() if number else b"no image")
    shape = {"image_size": (8,), "channels": 1}
    for run, option, count in (
        ("skip", None, 2),
        ("skip", "refuse", None),
        ("refuse", "skip", 2),
        ("refuse", None, None),
    ):
        trained = Trained(str(run_on(str(broken), broken_files=run, **shape)))
        if count is None:
            with pytest.raises(kv.data.BrokenImageError):
                load_images(trained, [str(broken)], broken_files=option)
        else:
            found = load_images(trained, [str(broken)], broken_files=option)
            assert (len(found), found.skipped) == (count, 1)
