"""What the tests of all commands share: a tiny model in a file, and image files."""

import numpy as np
import pytest
from PIL import Image

import keras_vae as kv
from keras_vae_cli import training_run
from tests.cli.eagerly import eagerly
from tests.cli.models import tiny


@pytest.fixture(autouse=True)
def ordinary_log_level(monkeypatch):
    # Processes that a test starts say nothing of GPUs that are not there.
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture
def no_pictures(monkeypatch):
    """Leave out a run's pictures, for tests that are not about them."""
    monkeypatch.setattr(training_run.TrainingRun, "_draw", lambda *_: None)


@pytest.fixture
def eager():
    """Run steps without tracing them, for tests of short runs."""
    with eagerly():
        yield


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """Return the path of a Bernoulli model of digits."""
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    tiny(kv.likelihoods.Bernoulli((8, 8, 1))).save(path)
    return path


@pytest.fixture(scope="session")
def faces(tmp_path_factory):
    """Return a folder of 12 colour images of 20 x 16, PNG files, and the images."""
    folder = tmp_path_factory.mktemp("faces")
    images = np.random.default_rng(0).integers(0, 256, (12, 20, 16, 3), np.uint8)
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"face{number:02}.png")
    return folder, images


@pytest.fixture(scope="session")
def colour(tmp_path_factory):
    """Return the path of a Gaussian model of such images."""
    path = tmp_path_factory.mktemp("model") / "colour.keras"
    tiny(kv.likelihoods.Gaussian((20, 16, 3), scale=0.3)).save(path)
    return path
