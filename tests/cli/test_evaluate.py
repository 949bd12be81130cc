"""`keras-vae evaluate`, run for real on scikit-learn's digits and a tiny model."""

import importlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_vae as kv
from keras_vae_cli import main
from tests.cli.models import tiny

evaluate = importlib.import_module("keras_vae_cli.evaluate")  # the command has its name in the app

QUICK = ("--num-samples", "20", "--limit", "40")


def test_the_table_and_the_file_have_the_packages_numbers(saved, tmp_path, capsys):
    file = tmp_path / "numbers.json"
    assert main(["evaluate", str(saved), "digits", *QUICK, "--seed", "3", "--json", str(file)]) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    vae = keras.models.load_model(saved)
    x = kv.data.binarize(kv.data.load("digits")[1].images[:40], 777)
    expected = kv.evaluation.evaluate_vae(vae, x, 20, seed=3)
    record = json.loads(file.read_text())
    assert record["elbo"] == pytest.approx(expected.elbo, rel=1e-5)
    assert record["log_evidence"] == pytest.approx(expected.log_evidence, rel=1e-5)
    assert (record["dataset"], record["split"], record["num_examples"]) == ("digits", "test", 40)
    assert record["values"] == "drawn once as 0 or 1, seed 777"
    assert record["versions"]["keras_vae"] == kv.__version__
    lines = output.splitlines()
    assert lines[0] == "Starting TensorFlow"
    assert lines[1].startswith(
        f"Evaluating {saved} on 40 images of 297, the test set of digits, 8 x 8 x 1; values drawn once"
    )
    assert lines[2].startswith("nats per example")
    error = expected.standard_errors["elbo"]
    assert float(lines[3].removeprefix("elbo").split()[0]) == pytest.approx(expected.elbo, abs=error / 10)
    assert "latent dimensions " in output
    assert lines[-1] == f"Wrote {file}"


def test_what_it_will_take_is_said_before_it_is_done_and_how_to_get_all(saved, monkeypatch, capsys):
    seconds = itertools.count(step=30)
    monkeypatch.setattr(evaluate.time, "monotonic", lambda: next(seconds))
    assert main(["evaluate", str(saved), "digits", "--limit", "128", "--num-samples", "64"]) == 0
    (said,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("That takes about")]
    found = re.fullmatch(
        r"That takes about (\d+ minutes|\d+ seconds)\. --limit all --num-samples 5000, as in published tables, "
        r"takes about ([\d.]+ hours) for 297 images",
        said,
    )
    assert found, said


def test_ctrl_c_gives_the_numbers_of_the_images_that_are_done(saved, tmp_path, monkeypatch, capsys):
    class Cutting(evaluate._Watch):
        def __call__(self, share):
            if share > 0:
                os.kill(os.getpid(), signal.SIGINT)
            return super().__call__(share)

    monkeypatch.setattr(evaluate, "_Watch", Cutting)
    file, before = tmp_path / "numbers.json", signal.getsignal(signal.SIGINT)
    command = ["evaluate", str(saved), "digits", "--num-samples", "20", "--seed", "3", "--json", str(file)]
    assert main(command) == 130
    output, errors = capsys.readouterr()
    assert errors == "keras-vae: interrupted: the numbers are those of 64 images\n"
    assert "64 examples; log_evidence by importance, 20 samples" in output
    assert signal.getsignal(signal.SIGINT) == before
    record = json.loads(file.read_text())
    x = kv.data.binarize(kv.data.load("digits")[1].images[:64], 777)
    expected = kv.evaluation.evaluate_vae(kv.load_model(saved), x, 20, seed=3)
    assert record["log_evidence"] == pytest.approx(expected.log_evidence, rel=1e-5)
    assert record["standard_errors"]["elbo"] == pytest.approx(expected.standard_errors["elbo"], rel=1e-5)
    assert (record["num_examples"], record["num_available"]) == (64, 297)


def test_grey_values_are_evaluated_when_asked_for_and_their_bits_are_left_out(saved, capsys):
    assert main(["evaluate", str(saved), "digits", *QUICK, "--binarize", "none", "--split", "train"]) == 0
    output = capsys.readouterr().out
    assert "40 images of 1,500, the train set of digits, 8 x 8 x 1; values grey, in [0, 1]" in output
    assert "left out: of grey values" in output


@pytest.mark.parametrize(
    ("likelihood", "values"),
    [
        pytest.param(kv.likelihoods.Categorical((64,), 17), "whole numbers from 0 to 16", marks=pytest.mark.soak),
        (kv.likelihoods.Categorical((8, 8, 1), 5, encoding="one_hot"), "whole numbers from 0 to 4"),
        (kv.likelihoods.Gaussian((64,), scale=0.3), "grey, in [0, 1]"),
        pytest.param(kv.likelihoods.ContinuousBernoulli((8, 8, 1)), "grey, in [0, 1]", marks=pytest.mark.soak),
    ],
)
def test_images_are_made_into_what_the_likelihood_takes(tmp_path, capsys, likelihood, values):
    path = tmp_path / "model.keras"
    tiny(likelihood).save(path)
    assert main(["evaluate", str(path), "digits", *QUICK, "--method", "prior"]) == 0
    output = capsys.readouterr().out
    assert f"values {values}\n" in output
    assert "log_evidence by prior, 20 samples" in output


def test_an_older_file_is_not_overwritten_in_silence(saved, tmp_path, capsys):
    file = tmp_path / "numbers.json"
    file.write_text("years of work")
    command = ["evaluate", str(saved), "digits", *QUICK, "--json", str(file)]
    assert main(command) == 2
    assert file.read_text() == "years of work"
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n")) == ("", 1)
    assert errors.startswith("keras-vae: `--json` already exists: take another name, or --overwrite to replace it.")
    assert main([*command, "--overwrite"]) == 0
    assert json.loads(file.read_text())["num_samples"] == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["MODEL", "digits", "--num-samples", "0"], "`--num-samples` must be greater than or equal to 1"),
        (
            ["MODEL", "digits", "--method", "magic"],
            "`--method` must be one of 'importance', 'prior', 'ais'. Received: 'magic'",
        ),
        (["MODEL", "digits", "--json", "."], "`--json` must be a file. Received: '.', a directory"),
        (["MODEL"], "`DATASET` must be given for a model without the config.toml of its run beside it"),
    ],
)
def test_a_mistake_is_reported_in_one_line(saved, capsys, arguments, message):
    assert main(["evaluate", *(str(saved) if word == "MODEL" else word for word in arguments)]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("keras-vae: ")
    assert message in errors
    assert errors.count("\n") == 1


def broken(path):
    path.write_bytes(b"PK\x03\x04 no model")


def foreign(path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)


def deterministic(path):
    tiny(
        kv.likelihoods.Bernoulli((8, 8, 1)), kv.posteriors.Deterministic, objective=kv.objectives.Reconstruction()
    ).save(path)


def of_other_images(path):
    tiny(kv.likelihoods.Bernoulli((28, 28, 1))).save(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (broken, "`MODEL` must be a `.keras` file that `save` wrote. Received: "),
        (foreign, "`MODEL` must hold a model of keras_vae. Received: "),
        (deterministic, "`vae` must have a posterior with a density"),
        (of_other_images, "`x` must have shape (batch, 28, 28, 1)"),
    ],
)
def test_a_file_that_does_not_suit_is_reported_in_one_line(tmp_path, capsys, make, message):
    path = tmp_path / "model.keras"
    make(path)
    capsys.readouterr()
    assert main(["evaluate", str(path), "digits", *QUICK]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"keras-vae: {message}")
    assert errors.count("\n") == 1


def test_all_images_of_a_folder_are_evaluated_at_the_models_size(colour, faces, tmp_path, capsys):
    folder, images = faces
    file = tmp_path / "numbers.json"
    command = ["evaluate", str(colour), f"{folder}/", "--num-samples", "20", "--seed", "3", "--json", str(file)]
    assert main(command) == 0
    assert f"Evaluating {colour} on 12 images, {folder}, 20 x 16 x 3; values grey" in capsys.readouterr().out
    x = images.astype(np.float32) / np.float32(255)
    expected = kv.evaluation.evaluate_vae(keras.models.load_model(colour), x, 20, seed=3)
    record = json.loads(file.read_text())
    assert record["elbo"] == pytest.approx(expected.elbo, rel=1e-5)
    assert "split" not in record


@pytest.mark.soak
def test_a_process_of_its_own_is_quiet(saved):
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-m", "keras_vae_cli", "evaluate", str(saved), "digits", *QUICK]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Starting TensorFlow\nEvaluating ")
    assert np.isfinite(float(done.stdout.splitlines()[3].split()[1]))
