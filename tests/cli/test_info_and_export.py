"""`keras-vae info` and `keras-vae export`: what a model is, before and after its export."""

import json
import re
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from keras_vae_cli import main
from tests.cli.models import tiny


@pytest.fixture(scope="module")
def pretrained(saved, tmp_path_factory):
    """Return a directory as of a pretrained model: the model, its card, an export, and a run's numbers."""
    directory = tmp_path_factory.mktemp("models") / "small"
    directory.mkdir()
    (directory / "model.keras").write_bytes(saved.read_bytes())
    (directory / "README.md").write_text("# Small\n\nTrained on nothing.\n")
    numbers = {"elbo": -23.456, "reconstruction_loss": 20.0, "kl_loss": 3.456}
    about = {"dataset": "digits", "num_train": 1500, "num_test": 297, "epochs": 40, "versions": {"keras": "3.0"}}
    (directory / "metrics.json").write_text(json.dumps({**numbers, **about}))
    assert main(["export", str(saved), "--output", str(directory)]) == 0
    return directory


def test_the_table_of_parts_has_the_models_shapes_and_numbers_of_weights(saved, capsys):
    assert main(["info", str(saved)]) == 0
    said = capsys.readouterr().out
    vae = keras.models.load_model(saved)
    lines = said.splitlines()
    assert lines[1] == f"{saved}: VAE, {saved.stat().st_size / 1e6:.1f} MB"
    assert re.fullmatch(r"saved \d{4}-.* with Keras 3\.\S+, format version 2, seed 0", lines[2])
    assert lines[3] == "observations 8 x 8 x 1, latent dimensions 2"
    for name in ("encoder", "posterior", "decoder", "likelihood", "prior"):
        (line,) = [line for line in lines if line.startswith(name)]
        assert line.split()[2] == f"{getattr(vae, name).count_params():,}"
    assert re.search(r"^encoder +MLPEncoder +\d+  8 x 8 x 1 → 8$", said, flags=re.MULTILINE)
    assert re.search(r"^decoder +MLPDecoder +\d+  2 → 8$", said, flags=re.MULTILINE)
    assert re.search(
        rf"^all +{vae.count_params():,}  {vae.count_params():,} of them trained$", said, flags=re.MULTILINE
    )
    assert "    beta=1.0, kl=closed_form, free_bits=0.0, num_samples=1" in lines
    assert max(map(len, lines[2:])) <= 80


def test_a_schedule_and_a_model_of_several_levels_are_described(tmp_path, capsys):
    beta = kv.schedules.LinearSchedule(0.0, 4.0, steps=10)
    tiny(kv.likelihoods.Bernoulli((4,)), objective=kv.objectives.ELBO(beta)).save(tmp_path / "a.keras")
    assert main(["info", str(tmp_path / "a.keras")]) == 0
    assert "beta=LinearSchedule(start=0.0, end=4.0, steps=10)" in capsys.readouterr().out

    levels = kv.HierarchicalVAE(
        encoders=[kv.networks.JoinedMLP((4,), (4,)), kv.networks.MLPEncoder((3,))],
        posteriors=[kv.posteriors.DiagonalGaussian(3), kv.posteriors.DiagonalGaussian(2)],
        priors=[kv.priors.ConditionalGaussian(kv.networks.MLPDecoder((4,))), kv.priors.StandardNormal()],
        decoder=kv.networks.JoinedMLP((4,), (4,)),
        likelihood=kv.likelihoods.Bernoulli((4,)),
    )
    levels.save(tmp_path / "b.keras")
    assert main(["info", str(tmp_path / "b.keras")]) == 0
    said = capsys.readouterr().out
    assert "observations 4, latent dimensions 3 + 2" in said
    assert re.search(r"^priors\[0\] +ConditionalGaussian", said, flags=re.MULTILINE)


def test_a_pretrained_model_is_shown_with_its_numbers_its_exports_and_its_card(pretrained, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_VAE_MODELS", str(pretrained.parent))
    assert main(["info", "small"]) == 0
    said = capsys.readouterr().out
    assert "trained on digits, 1,500 images, 40 epochs" in said
    assert max(map(len, said.splitlines()[4:])) <= 80 + len(str(pretrained))
    numbers = "test elbo -23.46, reconstruction_loss 20.00, kl_loss 3.46: nats per image, 297 images"
    assert numbers in " ".join(said.split())
    assert f"exported as a SavedModel: {pretrained}/1" in said
    assert said.endswith("\n\n# Small\n\nTrained on nothing.\n")


def test_an_exported_model_is_shown_by_its_signatures_and_answers_as_the_model_does(saved, pretrained, capsys):
    assert main(["info", str(pretrained / "1")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(f"{pretrained / '1'}: a SavedModel of VAE, ")
    assert "observations 8 x 8 x 1, likelihood Bernoulli, latent dimensions 2" in lines
    start = lines.index("encode")
    assert [line.split() for line in lines[start + 1 : start + 4]] == [
        ["<-", "x", "float32", "(batch,", "8,", "8,", "1)"],
        ["->", "mean", "float32", "(batch,", "2)"],
        ["->", "scale", "float32", "(batch,", "2)"],
    ]
    assert lines[-3:] == ["# Small", "", "Trained on nothing."]
    z = np.ones((3, 2), np.float32)
    served = tf.saved_model.load(str(pretrained / "1")).signatures["decode"](z=tf.constant(z))["mean"]
    np.testing.assert_allclose(served, keras.models.load_model(saved).decode(z), atol=1e-6)


@pytest.mark.soak
def test_versions_are_counted_and_the_latest_is_shown(saved, pretrained, tmp_path, capsys):
    served = tmp_path / "served"
    shutil.copytree(pretrained / "1", served / "9")
    assert main(["export", str(saved), "--output", str(served)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"Wrote {served / '10'}"
    assert main(["info", str(served)]) == 0
    assert f"{served / '10'}: a SavedModel of VAE" in capsys.readouterr().out
    assert main(["export", str(saved), "--output", str(served), "--version", "9"]) == 2
    assert "`--version` must be one that is not there yet" in capsys.readouterr().err

    broken = served / "10" / "saved_model.pb"
    broken.write_bytes(broken.read_bytes()[:-1])
    assert main(["info", str(served)]) == 2
    errors = capsys.readouterr().err
    assert "must be as it was written" in errors
    assert errors.count("\n") == 1


def test_a_saved_model_of_others_is_shown_without_being_loaded(tmp_path, capsys):
    module = tf.Module()
    double = tf.function(lambda a: {"twice": 2 * a}, input_signature=[tf.TensorSpec([None, 3], tf.float32, name="a")])
    tf.saved_model.save(module, str(tmp_path / "x"), signatures={"double": double.get_concrete_function()})
    assert main(["info", str(tmp_path / "x")]) == 0
    said = capsys.readouterr().out
    assert f"{tmp_path / 'x'}: a SavedModel that keras_vae did not export" in said
    assert said.endswith("double\n    <- a                float (batch, 3)\n    -> twice            float (batch, 3)\n")
    (tmp_path / "x" / "saved_model.pb").write_bytes(b"no protocol buffer")
    assert main(["info", str(tmp_path / "x")]) == 2
    assert "`MODEL` must be a SavedModel. Received: " in capsys.readouterr().err


@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_other_formats_go_to_the_packages_own_exporters(saved, tmp_path, monkeypatch, capsys, format):
    written = []

    def exporter(vae, path):
        written.append((type(vae).__name__, path))
        return path

    monkeypatch.setattr(kv.export, format, exporter)
    assert main(["export", str(saved), "--format", format, "--output", str(tmp_path / "x")]) == 0
    assert written == [("VAE", tmp_path / "x")]
    assert capsys.readouterr().out.endswith(f"Wrote {tmp_path / 'x'}\n")


def test_a_library_that_is_missing_is_reported_in_one_line(saved, tmp_path, monkeypatch, capsys):
    def missing(vae, path):
        raise ImportError("The extra `onnx` must be installed: pip install 'keras-vae[onnx]'. Received: no onnx")

    monkeypatch.setattr(kv.export, "onnx", missing)
    assert main(["export", str(saved), "--format", "onnx", "--output", str(tmp_path / "x")]) == 2
    assert capsys.readouterr().err == f"keras-vae: {missing.__code__.co_consts[1]}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "onnx", "--version", "2"], "`--version` must be left out except for --format saved_model"),
        (["--format", "litert", "--output", "."], "`--output` must be a new directory for --format litert"),
        (["--format", "coreml"], "`--format`"),
    ],
)
def test_a_mistake_is_reported_in_one_line(saved, tmp_path, capsys, arguments, message):
    assert main(["export", str(saved), "--output", str(tmp_path / "x"), *arguments]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert message in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(("format", "words"), [("litert", "a LiteRT model of VAE"), ("onnx", "an ONNX model of VAE")])
def test_the_other_formats_are_described_by_what_goes_in_and_comes_out(saved, tmp_path, capsys, format, words):
    if format == "onnx":
        pytest.importorskip("tf2onnx")
    output = tmp_path / "exported"
    assert main(["export", str(saved), "--format", format, "--output", str(output)]) == 0
    capsys.readouterr()
    assert main(["info", str(output)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(f"{output}: {words}, ") and lines[1].endswith("; all files are as they were written")
    assert "observations 8 x 8 x 1, likelihood Bernoulli, latent dimensions 2" in lines
    start = lines.index("decode")
    assert lines[start + 1].split() == ["<-", "z", "float32", "(batch,", "2)"]
    (file,) = output.glob("decoder.*")
    file.write_bytes(file.read_bytes()[:-1])
    assert main(["info", str(output)]) == 2
    assert "must be as it was written" in capsys.readouterr().err
