"""`keras-vae train`, run for real on scikit-learn's digits."""

import contextlib
import csv
import io
import json
import os

import keras
import numpy as np
import pytest

import keras_vae as kv
from keras_vae.data.sources import SOURCES
from keras_vae_cli import main, training_run
from keras_vae_cli.config_file import read_settings
from keras_vae_cli.run_directory import RUN_FILES

QUICK = (
    *("--epochs", "1", "--limit", "64", "--batch-size", "64", "--latent-dim", "2"),
    *("--architecture", "mlp", "--units", "8"),
)


def nothing_to_be_had(name):
    raise kv.data.DataNotFoundError("Fashion-MNIST", ["here (no)", "there (no)"], ["look again"])


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """Train once; return the directory and what was said."""
    directory = tmp_path_factory.mktemp("run") / "digits"
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert main(["train", "digits", "--epochs", "8", "--latent-dim", "4", "--output", str(directory)]) == 0
    return directory, said.getvalue()


@pytest.fixture
def run(whole_run):
    """Return the directory of a run that trained."""
    return whole_run[0]


def test_a_run_leaves_its_files_and_nothing_else(run):
    assert sorted(path.name for path in run.iterdir()) == sorted(RUN_FILES)
    assert [path.name for path in run.parent.iterdir()] == ["digits"]


def test_metrics_are_in_nats_and_say_how_they_came_about(run):
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["elbo"] == pytest.approx(-metrics["reconstruction_loss"] - metrics["kl_loss"], rel=1e-5)
    # A model that has learnt nothing, each pixel a fair coin, has 64 ln 2 = 44.4 nats.
    assert 10 < -metrics["elbo"] < 40
    assert metrics["kl_loss"] > 0
    assert metrics["images_per_second"] > 0
    assert (metrics["dataset"], metrics["num_train"], metrics["num_test"]) == ("digits", 1500, 297)
    assert (metrics["epochs"], metrics["seed"], metrics["settings"]["latent_dim"]) == (8, 0, 4)
    assert metrics["binarization"]["train"].startswith("dynamic: drawn afresh in each epoch")
    assert metrics["binarization"]["test"].startswith("fixed: drawn once")
    assert metrics["versions"]["keras_vae"] == kv.__version__
    assert set(metrics["versions"]) == {
        "keras_vae",
        "tensorflow",
        "keras",
        "tensorflow_probability",
        "numpy",
        "python",
    }
    assert metrics["device"]


def test_history_has_a_row_an_epoch_and_its_end_is_what_metrics_say(run):
    with open(run / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(8))
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    metrics = json.loads((run / "metrics.json").read_text())
    assert float(rows[-1]["val_elbo"]) == pytest.approx(metrics["elbo"], rel=1e-9)


def test_the_saved_model_is_the_one_that_was_measured(run):
    vae = keras.models.load_model(run / "model.keras")
    _, test = kv.data.load("digits")
    data = kv.data.pipeline(test.images, binarize="fixed", seed=777)
    metrics = json.loads((run / "metrics.json").read_text())
    assert vae.evaluate(data, verbose=0, return_dict=True)["elbo"] == pytest.approx(metrics["elbo"], abs=1.0)
    assert vae.generate(2, seed=0).shape == (2, 8, 8, 1)


def test_pictures_are_whole_and_of_a_size_to_look_at(run):
    from PIL import Image

    for path in run.glob("*.png"):
        with Image.open(path) as picture:
            picture.load()
            assert min(picture.size) >= 300
            assert len(np.unique(np.asarray(picture))) > 16


def test_the_words_on_the_terminal_name_data_numbers_and_files(whole_run):
    directory, said = whole_run
    lines = said.splitlines()
    assert lines[1].startswith("Training on 1,500 images of 8 x 8 x 1, 8 epochs, on the ")
    weights = keras.models.load_model(directory / "model.keras").count_params()
    assert lines[2] == f"conv, 4 latent dimensions, {weights:,} weights"
    assert lines[3] == "Likelihood bernoulli, prior standard_normal, objective elbo"
    assert lines[4].startswith("Observations dynamic: drawn afresh in each epoch")
    # Not a terminal: no bar, and one line for each epoch under the table's head.
    metrics = json.loads((directory / "metrics.json").read_text())
    with open(directory / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert lines[6].startswith("Training steps run with")  # with XLA or without
    assert lines[5].startswith("12 steps an epoch with --batch-size 128, 96 in all: a model usually needs thousands")
    assert len(lines) == 7 + 2 + 8 + 4
    for number, (line, row) in enumerate(zip(lines[9:17], rows, strict=True), start=1):
        columns = ("elbo", "kl_loss", "val_elbo", "val_kl_loss")
        assert line.split()[:5] == [f"{number}/8", *(f"{float(row[column]):.2f}" for column in columns)]
    assert f"Test elbo {metrics['elbo']:.2f} nats per image: " in lines[-3]
    assert lines[-1].startswith(f"Wrote {directory}: model.keras, ")
    # The table fits on a screen of 60 columns.
    assert max(map(len, lines[7:17])) <= 60


@pytest.mark.usefixtures("eager", "no_pictures")
@pytest.mark.parametrize(
    ("binarize", "train", "test"), [("none", "none: grey", "none: grey"), ("fixed", "fixed: drawn", "fixed: drawn")]
)
def test_binarization_is_as_asked_for_and_said_and_an_empty_directory_is_used(tmp_path, binarize, train, test):
    assert main(["train", "digits", *QUICK, "--binarize", binarize, "--output", str(tmp_path)]) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["binarization"]["train"].startswith(train)
    assert metrics["binarization"]["test"].startswith(test)


@pytest.mark.usefixtures("eager", "no_pictures")
def test_a_config_repeats_its_run_bit_for_bit_and_options_go_before_it(tmp_path):
    def train(name, *arguments):
        assert main(["train", *arguments, "--output", str(tmp_path / name)]) == 0
        return keras.models.load_model(tmp_path / name / "model.keras").get_weights()

    config = ("--config", str(tmp_path / "a" / "config.toml"))
    first = train("a", "digits", *QUICK, "--seed", "3", "--likelihood", "gaussian", "--prior", "gaussian_mixture")
    again = train("b", *config)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert (tmp_path / "a" / "config.toml").read_text() == (tmp_path / "b" / "config.toml").read_text()
    assert (tmp_path / "a" / "history.csv").read_text() == (tmp_path / "b" / "history.csv").read_text()

    otherwise = train("c", *config, "--seed", "4")
    assert any(not np.array_equal(one, other) for one, other in zip(first, otherwise, strict=True))
    assert read_settings(tmp_path / "c" / "config.toml").differences(read_settings(tmp_path / "a" / "config.toml")) == [
        "--seed 4 and not 3"
    ]


def test_an_older_run_is_not_overwritten_in_silence(run, capsys):
    before = (run / "metrics.json").read_bytes()
    assert main(["train", "digits", *QUICK, "--output", str(run)]) == 2
    assert (run / "metrics.json").read_bytes() == before
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors == (
        "keras-vae: `--output` already holds a run: take another directory, --overwrite to replace it, or more "
        "--epochs of the same settings to continue it. "
        f"Received: {str(run)!r}\n"
    )


@pytest.mark.usefixtures("eager", "no_pictures")
def test_a_run_is_replaced_when_asked_for_and_only_when_the_new_one_is_whole(tmp_path, capsys, monkeypatch):
    output = tmp_path / "run"
    command = ["train", "digits", *QUICK, "--overwrite", "--output", str(output)]
    assert main(command) == 0
    assert "Replaced" not in capsys.readouterr().out
    before = (output / "metrics.json").read_bytes()

    with monkeypatch.context() as patch:
        patch.setattr(kv.VAE, "save", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            main([*command, "--seed", "1"])
    assert (output / "metrics.json").read_bytes() == before
    assert os.listdir(tmp_path) == ["run"]

    assert main([*command, "--seed", "1"]) == 0
    assert (output / "metrics.json").read_bytes() != before
    assert os.listdir(tmp_path) == ["run"]
    words = capsys.readouterr().out
    assert f"The run in {output} will be replaced when this one is whole" in words
    assert f"Replaced {output}: " in words


def test_files_that_are_no_runs_are_never_deleted(tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("years of work")
    assert main(["train", "digits", *QUICK, "--overwrite", "--output", str(tmp_path)]) == 2
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
    assert "move 'thesis.tex' away" in capsys.readouterr().err


@pytest.mark.parametrize("below", ["", "run", "deep/run"])
def test_a_directory_that_cannot_be_made_is_said_before_training(tmp_path, capsys, below):
    (tmp_path / "file").touch()
    assert main(["train", "digits", *QUICK, "--output", str(tmp_path / "file" / below)]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("keras-vae: `--output` must be ")
    assert errors.count("\n") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_directory_without_permission_is_said_before_training(tmp_path, capsys):
    tmp_path.chmod(0o500)
    assert main(["train", "digits", *QUICK, "--output", str(tmp_path / "run")]) == 2
    assert "`--output` must be writable" in capsys.readouterr().err


@pytest.mark.soak
@pytest.mark.usefixtures("no_pictures")
def test_digits_step_in_only_where_that_is_asked_for(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(SOURCES, "fashion_mnist", lambda: nothing_to_be_had("fashion_mnist"))
    command = ["train", "fashion_mnist", *QUICK, "--output", str(tmp_path / "run")]
    assert main(command) == 2
    assert "keras-vae: Fashion-MNIST was not found. Looked in: here (no); there (no)" in capsys.readouterr().err

    assert main([*command, "--fallback-to-digits"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (said,) = [line for line in lines if "Fashion-MNIST" in line]
    assert said.endswith("Continuing with scikit-learn's digits, for 10 epochs.")
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["dataset"] == "digits"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "digts"], "No such data set or folder: 'digts'. Did you mean 'digits'?"),
        (["train", "digits", "--latent-dim", "0"], "`--latent-dim`"),
        (["train", "digits", "--beta", "-1"], "`--beta`"),
        (["train", "digits", "--beta", "inf"], "inf is not a finite number"),
        (["train", "digits", "--learning-rate", "0"], "0 is not > 0"),
        (["train", "digits", "--learning-rate", "nan"], "nan is not a finite number"),
        (["train", "digits", "--epochs", "many"], "`--epochs`"),
        (["train", "digits", "--binarize", "often"], "`--binarize`"),
        (["train", "digits", "--bata", "2"], "--bata"),
        (["tran", "digits"], "No such command: 'tran'"),
    ],
)
def test_a_mistake_is_reported_in_one_line_and_leaves_nothing(tmp_path, capsys, arguments, message):
    assert main([*arguments, "--output", str(tmp_path / "run")]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("keras-vae: ")
    assert message in errors
    assert errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("eager")
def test_a_loss_that_is_no_number_is_reported_in_one_line(tmp_path, capsys):
    command = ["train", "digits", *QUICK, "--likelihood", "gaussian", "--learning-rate", "1e30"]
    assert main([*command, "--output", str(tmp_path / "run")]) == 2
    errors = capsys.readouterr().err
    assert "must be finite" in errors and "ry a lower --learning-rate" in errors and "clipnorm" not in errors
    assert errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("eager", "no_pictures")
def test_a_folder_is_trained_on_in_colour_and_broken_files_are_named(tmp_path, capsys, monkeypatch, faces):
    folder, _ = faces
    parts = ("--likelihood", "categorical", "--num-categories", "4", "--architecture", "mlp", "--units", "8")
    command = ["train", f"{folder}/", "--image-size", "10,8", "--holdout", "0.3", "--epochs", "1", *parts]
    assert main([*command, "--output", str(tmp_path / "run")]) == 0
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["num_train"] + metrics["num_test"] == 12
    assert metrics["binarization"]["test"] == "none: whole numbers from 0 to 3"
    assert metrics["settings"]["dataset"] == str(folder)
    # A model that has learnt nothing: each of 240 numbers is one of 4.
    assert -metrics["elbo"] == pytest.approx(240 * np.log(4), rel=0.05)
    vae = keras.models.load_model(tmp_path / "run" / "model.keras")
    assert vae.event_shape == (10, 8, 3)

    broken = tmp_path / "broken"
    broken.mkdir()
    for file in folder.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    (broken / "face03.png").write_bytes(b"no image")
    command[1] = f"{broken}/"
    capsys.readouterr()
    assert main([*command, "--output", str(tmp_path / "other")]) == 2
    assert "face03.png" in capsys.readouterr().err
    trained = []
    monkeypatch.setattr(training_run.TrainingRun, "train", lambda run, _: trained.append(run.data))
    assert main([*command, "--broken-files", "skip", "--output", str(tmp_path / "other")]) == 0
    assert "face03.png" in capsys.readouterr().out
    assert trained[0].num_train + trained[0].num_test == 11


@pytest.mark.usefixtures("eager", "no_pictures")
def test_a_folder_needs_no_slash_and_its_classes_colour_the_latent_space(tmp_path, monkeypatch, faces):
    monkeypatch.chdir(tmp_path)
    for number, file in enumerate(sorted(faces[0].iterdir())):
        target = tmp_path / "photos" / ("cats" if number % 2 else "dogs") / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    shown = []
    real = training_run.TrainingRun.train

    def noting(run, directory):
        shown.append(run.data.shown())
        return real(run, directory)

    monkeypatch.setattr(training_run.TrainingRun, "train", noting)
    options = ["--image-size", "8", "--holdout", "0.4", "--epochs", "1", "--architecture", "mlp", "--units", "4"]
    assert main(["train", "photos", *options, "--output", "run"]) == 0
    _, labels, names = shown[0]
    assert names == ("cats", "dogs")
    assert read_settings(tmp_path / "run" / "config.toml").dataset == str((tmp_path / "photos").resolve())
    assert len(labels) == json.loads((tmp_path / "run" / "metrics.json").read_text())["num_test"]
