"""How long a run trains and from where: further epochs, early stopping, the best epoch, another model's weights."""

import csv
import json

import keras
import numpy as np
import pytest

import keras_vae as kv
from keras_vae_cli import main, training_run
from keras_vae_cli.config_file import read_settings
from keras_vae_cli.settings import Settings
from keras_vae_cli.training_data import with_batch_size
from tests.cli.eagerly import eagerly

SMALL = ("--limit", "128", "--batch-size", "64", "--latent-dim", "2", "--architecture", "mlp", "--units", "8")

pytestmark = pytest.mark.usefixtures("eager", "no_pictures")


def train(output, *more):
    return main(["train", "digits", *SMALL, "--output", str(output), *more])


def weights(directory):
    return kv.load_model(directory).get_weights()


def assert_the_same(one, other):
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def history(directory):
    with open(directory / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


def metrics(directory):
    return json.loads((directory / "metrics.json").read_text())


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    """Return the directory of a run of four epochs."""
    with pytest.MonkeyPatch.context() as patch, eagerly():
        patch.setattr(training_run.TrainingRun, "_draw", lambda *_: None)
        output = tmp_path_factory.mktemp("four") / "run"
        assert train(output, "--epochs", "4") == 0
    return output


def test_further_epochs_of_a_finished_run_are_those_of_one_that_was_longer_from_the_start(four, tmp_path, capsys):
    output = tmp_path / "run"
    assert train(output, "--epochs", "2") == 0
    capsys.readouterr()
    assert train(output, "--epochs", "4") == 0
    said = capsys.readouterr().out
    assert f"Continuing the run in {output}, which stays as it is until" in said
    assert "Resuming after epoch 2 of 4" in said
    assert_the_same(weights(output), weights(four))
    assert (output / "history.csv").read_bytes() == (four / "history.csv").read_bytes()
    assert metrics(output)["epochs"] == read_settings(output / "config.toml").epochs == 4


def test_a_finished_run_is_gone_on_with_for_more_epochs_of_the_same_settings_alone(four, capsys):
    before = (four / "model.keras").read_bytes()
    for more in (("--epochs", "4"), ("--epochs", "3"), ("--epochs", "8", "--seed", "1")):
        assert train(four, *more) == 2
        assert (
            "already holds a run: take another directory, --overwrite to replace it, or more --epochs of the same"
            in (capsys.readouterr().err)
        )
    assert (four / "model.keras").read_bytes() == before


def test_the_last_line_is_the_last_row_of_the_table(four):
    last = history(four)[-1]
    for name in ("elbo", "kl_loss", "reconstruction_loss"):
        assert metrics(four)[name] == pytest.approx(float(last[f"val_{name}"]), rel=1e-9)


def test_where_the_scale_is_set_afterwards_the_last_line_says_so(tmp_path, capsys):
    assert train(tmp_path / "run", "--epochs", "1", "--likelihood", "gaussian") == 0
    (said,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Test elbo")]
    row = float(history(tmp_path / "run")[-1]["val_elbo"])
    assert said.endswith(f", now with that scale; in the table {row:.2f}, with a running average of the scale")
    assert f"Test elbo {metrics(tmp_path / 'run')['elbo']:.2f} " in said


class Falling(keras.callbacks.Callback):
    """Lets the test elbo rise for two epochs and fall from then on, whatever is learnt."""

    def on_epoch_end(self, epoch, logs=None):
        logs["val_elbo"] = [-30.0, -20.0, -25.0, -26.0, -27.0, -28.0][epoch]


@pytest.fixture
def falling(monkeypatch):
    callbacks = training_run.Checkpoints.callbacks
    monkeypatch.setattr(training_run.Checkpoints, "callbacks", lambda *given: [Falling(), *callbacks(*given)])


@pytest.mark.soak
@pytest.mark.usefixtures("falling")
def test_training_stops_early_and_the_best_epoch_is_kept(tmp_path, capsys):
    output = tmp_path / "run"
    assert train(output, "--epochs", "6", "--patience", "2", "--keep", "best") == 0
    said = capsys.readouterr().out
    assert "Stopped after epoch 4 of 6: no better test elbo for 2 epochs" in said
    assert "Keeping the model of epoch 2, the best one on the test images" in said
    assert (metrics(output)["epochs"], metrics(output)["kept_epoch"], metrics(output)["elbo"]) == (4, 2, -20.0)
    assert len(history(output)) == 4
    assert train(tmp_path / "two", "--epochs", "2") == 0
    assert_the_same(weights(output), weights(tmp_path / "two"))

    # More patience goes on, with what had been counted, and still knows the best epoch.
    capsys.readouterr()
    assert train(output, "--epochs", "6", "--patience", "3", "--keep", "best") == 0
    assert "Stopped after epoch 5 of 6: no better test elbo for 3 epochs" in capsys.readouterr().out
    assert_the_same(weights(output), weights(tmp_path / "two"))


@pytest.mark.soak
def test_a_run_starts_from_the_weights_of_another_and_takes_over_its_parts(four, tmp_path, monkeypatch, capsys):
    started = []
    real = training_run.TrainingRun.train

    def noting(run, directory):
        started.append(run.vae.get_weights())
        return real(run, directory)

    monkeypatch.setattr(training_run.TrainingRun, "train", noting)
    # No options under Model: they are those of the other run.
    options = ["--start-from", str(four), "--limit", "64", "--epochs", "1"]
    assert main(["train", "digits", *options, "--output", str(tmp_path / "run")]) == 0
    assert_the_same(started[0], weights(four))
    config = tmp_path / "run" / "config.toml"
    assert read_settings(config).units == (8,) and read_settings(config).start_from == str(
        four.resolve() / "model.keras"
    )
    assert main(["train", "--config", str(config), "--output", str(tmp_path / "again")]) == 0
    assert_the_same(weights(tmp_path / "again"), weights(tmp_path / "run"))

    capsys.readouterr()
    assert main(["train", "digits", *options, "--units", "9", "--output", str(tmp_path / "other")]) == 2
    assert "keras-vae: `--start-from` must be a model of the same parts and sizes" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("num_images", "batch"), [(1, 8), (52, 8), (159, 8), (160, 16), (1279, 64), (1500, 128), (60_000, 128)]
)
def test_the_batch_is_smaller_for_few_images_unless_it_is_given(num_images, batch):
    assert with_batch_size(Settings(dataset="digits"), num_images).batch_size == batch
    assert with_batch_size(Settings(dataset="digits", batch_size=100), num_images).batch_size == 100


def test_a_training_of_few_steps_is_said_to_be_short(faces, tmp_path, capsys):
    folder, _ = faces
    command = [
        "train",
        str(folder),
        "--image-size",
        "8",
        "--holdout",
        "0.3",
        "--epochs",
        "3",
        "--likelihood",
        "gaussian",
    ]
    assert main([*command, "--architecture", "mlp", "--units", "4", "--output", str(tmp_path / "run")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    steps = -(-metrics(tmp_path / "run")["num_train"] // 8)
    assert f"an epoch with --batch-size 8, {3 * steps} in all: a model usually needs thousands" in said
    assert read_settings(tmp_path / "run" / "config.toml").batch_size == 8
