"""A run that is cut: it leaves a model, and goes on as if it had not been cut."""

import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_vae as kv
from keras_vae_cli import main, training_run
from keras_vae_cli.checkpoints import Checkpoints
from keras_vae_cli.interruption import SIGNALS, Interrupted, heed, interruptible, uninterrupted
from keras_vae_cli.progress import EpochLines
from keras_vae_cli.run_directory import RUN_FILES
from keras_vae_cli.settings import Settings
from tests.cli.eagerly import eagerly
from tests.cli.models import tiny

# A likelihood whose scale is set when training ends, a learned prior, and a schedule: all that has a state.
SETTINGS = (
    *("digits", "--limit", "256", "--batch-size", "128", "--latent-dim", "2", "--architecture", "mlp", "--units", "8"),
    *("--likelihood", "gaussian", "--prior", "gaussian_mixture", "--beta-schedule", "linear", "--beta-epochs", "3"),
)
EPOCHS = 4

pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.fixture(scope="module", autouse=True)
def heeded_signals():
    """Heed SIGINT, here and in processes begun from here, where these tests run in the background too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def command(output, *more):
    return ["train", *SETTINGS, "--epochs", str(EPOCHS), "--output", str(output), *more]


@pytest.fixture(scope="module")
def uncut(tmp_path_factory):
    """Return the directory of a run that was not cut."""
    output = tmp_path_factory.mktemp("uncut") / "run"
    with pytest.MonkeyPatch.context() as patch, eagerly():
        patch.setattr(training_run.TrainingRun, "_draw", lambda *_: None)
        assert main(command(output)) == 0
    return output


def state(path):
    """Return all weights of a saved model and of its optimizer."""
    vae = keras.models.load_model(path)
    return [variable.numpy() for variable in (*vae.weights, *vae.optimizer.variables)]


def assert_the_same_run(output, uncut):
    for ours, theirs in zip(state(output / "model.keras"), state(uncut / "model.keras"), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (output / "history.csv").read_bytes() == (uncut / "history.csv").read_bytes()
    one, other = (json.loads((path / "metrics.json").read_text()) for path in (output, uncut))
    for name in ("date", "images_per_second"):
        del one[name], other[name]
    assert one == other


def interrupted(*_, **__):
    os.kill(os.getpid(), signal.SIGINT)
    heed()


def cut(monkeypatch, *, epoch, number):
    """Send this process a signal in an epoch, when half of its steps are done."""

    class Cutting(EpochLines):
        def on_epoch_begin(self, epoch, logs=None):
            super().on_epoch_begin(epoch, logs)
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs=None):
            if (self.epoch, batch) == (epoch - 1, 0):
                os.kill(os.getpid(), number)

    monkeypatch.setattr(training_run, "EpochLines", Cutting)


@pytest.fixture(scope="module")
def cut_once(tmp_path_factory):
    """Return the directory of a run that was cut in its first and again in its third epoch, and what was said."""
    output, said = tmp_path_factory.mktemp("cut") / "run", []
    for epoch, number, code in ((1, signal.SIGINT, 130), (3, signal.SIGTERM, 143)):
        with pytest.MonkeyPatch.context() as patch, eagerly(), contextlib.redirect_stderr(io.StringIO()) as errors:
            cut(patch, epoch=epoch, number=number)
            assert main(command(output)) == code
        said.append(errors.getvalue())
    return output, said


@pytest.fixture
def output(cut_once, tmp_path):
    """Return a copy of that directory."""
    shutil.copytree(cut_once[0], tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.soak
def test_ctrl_c_in_a_process_of_its_own_leaves_a_model_and_the_same_command_goes_on(tmp_path, capsys):
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    output = tmp_path / "run"
    # So many epochs that it cannot end before it is cut.
    process = subprocess.Popen(
        [sys.executable, "-m", "keras_vae_cli", *command(output, "--epochs", "100000")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        for line in process.stdout:
            if line.split()[:1] == ["3/100000"]:  # the second is saved by then
                process.send_signal(signal.SIGINT)
                break
        assert process.wait(120) == 130
        (said,) = process.stderr.read().splitlines()
    left = output / "unfinished" / "model.keras"
    assert said.startswith("keras-vae: interrupted in epoch ")
    assert f"of 100000. The model as it is now: {left}. The same command resumes after epoch " in said
    assert [path.name for path in output.iterdir()] == ["unfinished"]
    assert kv.load_model(left).generate(2, seed=0).shape == (2, 8, 8, 1)

    done = int(said.split()[-1])
    assert main(command(output, "--epochs", str(done))) == 0
    assert f"Resuming after epoch {done} of {done}\n" in capsys.readouterr().out
    assert main(command(tmp_path / "uncut")) == 0
    ours, theirs = ((path / "history.csv").read_text().splitlines() for path in (output, tmp_path / "uncut"))
    assert len(ours) == 1 + done
    assert ours[:3] == theirs[:3]


def test_whoever_cuts_a_run_is_told_where_the_model_is_and_how_to_go_on(cut_once):
    directory, said = cut_once
    model = directory / "unfinished" / "model.keras"
    for words, epoch, goes_on in zip(
        said, (1, 3), ("starts over: no epoch was whole", "resumes after epoch 2"), strict=True
    ):
        assert words == (
            f"keras-vae: interrupted in epoch {epoch} of {EPOCHS}. The model as it is now: {model}. The same command "
            f"{goes_on}\n"
        )
    # In the middle of the third epoch of two steps.
    assert kv.load_model(model).optimizer.iterations == 5


@pytest.mark.usefixtures("eager")
def test_a_run_that_was_cut_equals_the_uncut_one_bit_for_bit(output, uncut, monkeypatch, capsys):
    # Killed while it wrote, too: half of a file beside the whole one, and the lock that no process holds.
    (output / "unfinished" / ".lock").touch()
    (output / "unfinished" / ".last.keras.123.partial.keras").write_bytes(b"PK")
    (output / "unfinished" / "model.keras").unlink()
    # What lies beside the checkpoint does not count, whatever it says.
    (output / "unfinished" / "history.csv").write_bytes(b"2,-99,1" + bytes(9))
    (output / "unfinished" / "config.toml").write_bytes(b"")
    # And cut a third time, when all its epochs were over.
    with monkeypatch.context() as patch:
        patch.setattr(training_run.TrainingRun, "_metrics", interrupted)
        assert main(command(output)) == 130
    said, errors = capsys.readouterr()
    assert "Resuming after epoch 2 of 4" in said
    assert "interrupted after the last epoch" in errors
    assert main(command(output)) == 0
    assert "Trained at" not in capsys.readouterr().out
    assert_the_same_run(output, uncut)
    assert sorted(path.name for path in output.iterdir()) == sorted(
        name for name in RUN_FILES if not name.endswith(".png")
    )


def test_an_unfinished_run_of_other_settings_is_not_touched_unless_asked_for(output, monkeypatch, capsys):
    before = (output / "unfinished" / "last.keras").read_bytes()
    assert main(command(output, "--seed", "1", "--units", "8,8")) == 2
    assert capsys.readouterr().err == (
        "keras-vae: `--output` holds an unfinished run of other settings: take another directory, or --overwrite to "
        "start over. Received: --units 8,8 and not 8; --seed 1 and not 0\n"
    )
    assert main(command(output, "--epochs", "1")) == 2
    assert "`--epochs` must be at least 2, those of the unfinished run" in capsys.readouterr().err
    assert (output / "unfinished" / "last.keras").read_bytes() == before
    monkeypatch.setattr(training_run.TrainingRun, "train", interrupted)
    assert main(command(output, "--seed", "1", "--overwrite")) == 130
    assert list(output.iterdir()) == []


def test_settings_are_those_of_the_checkpoint_and_not_of_a_file_beside_it(output, capsys):
    config = output / "unfinished" / "config.toml"
    config.write_text(config.read_text().replace("seed = 0", "seed = 1"))
    assert main(command(output, "--seed", "1")) == 2
    assert "Received: --seed 1 and not 0\n" in capsys.readouterr().err
    for path in (output / "unfinished").iterdir():
        if path.name != "model.keras":  # of a run that was cut in its first epoch there is nothing else
            path.unlink()
    assert main(command(output, "--seed", "1")) == 2
    assert "Received: --seed 1 and not 0\n" in capsys.readouterr().err


def test_a_checkpoint_of_nobody_is_refused_until_it_shall_be_replaced(output, capsys, monkeypatch):
    checkpoint = output / "unfinished" / "last.keras"
    tiny(kv.likelihoods.Bernoulli((8, 8, 1))).save(checkpoint)
    assert main(command(output)) == 2
    said = capsys.readouterr().err
    assert said.startswith("keras-vae: Delete the checkpoint to start over, or pass --overwrite. ")
    assert f"Received: '{checkpoint}', a model alone" in said
    monkeypatch.setattr(training_run.TrainingRun, "train", interrupted)
    assert main(command(output, "--overwrite")) == 130
    assert list(output.iterdir()) == []


def test_a_broken_checkpoint_is_named(output, capsys):
    checkpoint = output / "unfinished" / "last.keras"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    assert main(command(output)) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("keras-vae: Delete the checkpoint to start over, or pass --overwrite. ")
    assert str(checkpoint) in errors
    assert errors.count("\n") == 1


def test_a_run_interrupted_before_it_learnt_anything_leaves_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(kv.VAE, "fit", interrupted)
    assert main(command(tmp_path / "run")) == 130
    assert capsys.readouterr().err == "keras-vae: interrupted before the first training step\n"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty").mkdir()
    assert main(command(tmp_path / "empty")) == 130
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_model_that_is_spoilt_does_not_take_the_checkpoints_place(tmp_path):
    class SpoiltLater(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = float("inf") if epoch else 1.0

    vae = tiny(kv.likelihoods.Bernoulli((8, 8, 1)))
    vae.compile("adam")
    kept = Checkpoints(tmp_path, Settings(dataset="digits"))
    with pytest.raises(FloatingPointError, match="`val_loss` must be finite.* Received: inf in epoch 2"):
        vae.fit(np.zeros((4, 8, 8, 1)), epochs=3, verbose=0, callbacks=[SpoiltLater(), *kept.callbacks()])
    again = Checkpoints(tmp_path, Settings(dataset="digits"))
    assert again.restore().optimizer.iterations == 1
    assert again.epochs == kept.epochs == 1


@pytest.fixture
def heard():
    """Let signals be heard that whoever started the tests ignores, as `nohup` does."""
    ignored = [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.mark.usefixtures("heard")
def test_signals_are_as_before_when_all_is_over():
    before = [signal.getsignal(number) for number in SIGNALS]
    for number in (signal.SIGTERM, signal.SIGHUP):
        with interruptible():
            os.kill(os.getpid(), number)
            with pytest.raises(Interrupted) as found:
                heed()
        assert found.value.exit_code == 128 + number
    with uninterrupted():
        os.kill(os.getpid(), signal.SIGINT)
    heed()
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.mark.usefixtures("eager")
def test_a_run_that_diverges_says_so_in_a_line_keeps_the_last_epoch_and_can_go_on(tmp_path, uncut, monkeypatch, capsys):
    class Spoiling(EpochLines):
        def on_epoch_begin(self, epoch, logs=None):
            super().on_epoch_begin(epoch, logs)
            if epoch == 2:
                bias = self.model.posterior.projection.bias
                bias.assign(np.full(bias.shape, np.nan))

    output = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(training_run, "EpochLines", Spoiling)
        assert main(command(output)) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("keras-vae: `kl_loss` must be finite. Received: NaN or infinity in training step 5. ")
    assert "lower --learning-rate" in said
    assert [path.name for path in output.iterdir()] == ["unfinished"]
    last = kv.load_model(output / "unfinished" / "last.keras")
    assert last.optimizer.iterations == 4
    assert np.isfinite(last.generate(2, seed=0)).all()

    assert main(command(output)) == 0
    assert f"Resuming after epoch 2 of {EPOCHS}\n" in capsys.readouterr().out
    assert_the_same_run(output, uncut)


@pytest.mark.usefixtures("eager")
def test_settings_that_diverge_at_once_leave_nothing(tmp_path, capsys):
    output = tmp_path / "run"
    assert main(command(output, "--learning-rate", "1e25")) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert re.match(r"keras-vae: `\w+` must be finite. Received: NaN or infinity in training step \d\. ", said)
    assert not output.exists()
