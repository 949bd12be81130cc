"""`keras-vae train --precision`: the elbo of float32, and a run that is cut goes on where it was."""

import json
import os
import signal

import keras
import pytest

from keras_vae_cli import main, training_run
from keras_vae_cli.checkpoints import Checkpoints
from keras_vae_cli.config_file import read_settings
from keras_vae_cli.interruption import heed
from keras_vae_cli.settings import Settings

SETTINGS = ("digits", "--latent-dim", "4", "--architecture", "mlp", "--units", "64", "--epochs", "8")
# Of the elbo after training; docs/scaling.md says so.
TOLERANCE = 0.01

pytestmark = pytest.mark.usefixtures("no_pictures")


def train(output, precision):
    assert main(["train", *SETTINGS, "--precision", precision, "--output", str(output)]) == 0
    return json.loads((output / "metrics.json").read_text())["elbo"]


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    """Return the elbo of a run in float32."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_run.TrainingRun, "_draw", lambda *_: None)
        return train(tmp_path_factory.mktemp("single") / "run", "float32")


@pytest.mark.soak
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_ends_with_the_elbo_of_float32(tmp_path, capsys, single, precision):
    assert train(tmp_path / "run", precision) == pytest.approx(single, rel=TOLERANCE)
    assert f"\nPrecision {precision}\n" in capsys.readouterr().out
    assert read_settings(tmp_path / "run" / "config.toml").precision == precision
    vae = keras.models.load_model(tmp_path / "run" / "model.keras")
    assert {layer.compute_dtype for layer in vae.encoder._flatten_layers()} == {precision.removeprefix("mixed_")}
    assert {variable.dtype for variable in vae.trainable_variables} == {"float32"}


@pytest.mark.usefixtures("eager")
def test_steps_that_were_skipped_do_not_count_against_whole_epochs(tmp_path, monkeypatch):
    def interrupted(*_):
        os.kill(os.getpid(), signal.SIGTERM)
        heed()

    monkeypatch.setattr(training_run.TrainingRun, "_finish", interrupted)
    # So small a scale that the first scaled gradients overflow.
    likelihood = ("--likelihood", "gaussian", "--scale", "0.01", "--batch-size", "1000", "--epochs", "2")
    arguments = ["train", *SETTINGS, *likelihood, "--precision", "mixed_float16"]
    assert main([*arguments, "--output", str(tmp_path)]) == 143
    checkpoints = Checkpoints(tmp_path / "unfinished", Settings(dataset="digits"))
    assert int(checkpoints.restore().optimizer.iterations) < 4
    assert checkpoints.epochs == 2
