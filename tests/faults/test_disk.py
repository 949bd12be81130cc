"""A disk that is full, or cannot be written: a clear error, the last good model in place, nothing left behind."""

import contextlib
import os
import pathlib
import resource
import subprocess
import tempfile

import keras
import numpy as np
import pytest

import keras_vae as kv
from tests.models.conftest import binary, small_vae

X = binary(16)


@pytest.fixture
def mounted(tmp_path):
    """Mount a file system of 300 kB, where that is allowed."""
    directory = tmp_path / "small"
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(directory)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield directory
    subprocess.run(["mount", "-o", "remount,rw", str(directory)], capture_output=True, check=False)
    subprocess.run(["umount", str(directory)], check=True)


@pytest.fixture
def largest_file():
    """Let the operating system refuse files beyond a size, as it refuses them on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size=None):
        resource.setrlimit(resource.RLIMIT_FSIZE, before if size is None else (size, before[1]))

    yield limit
    limit()


def compiled():
    vae = small_vae()
    vae.compile("adam", run_eagerly=True)
    return vae


def names(directory):
    return sorted(path.name for path in pathlib.Path(directory).iterdir())


class At(keras.callbacks.Callback):
    """Does something at the end of an epoch, before the checkpoint is written."""

    def __init__(self, epoch, action):
        super().__init__()
        self.epoch, self.action = epoch, action

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            self.action()


def fill(directory):
    """Leave no room on a file system."""
    with open(directory / "filling", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"0" * 4096)
    assert os.statvfs(directory).f_bavail == 0


def assert_first_epoch_stays(directory, expected, left=()):
    assert sorted(set(names(directory)) - {"filling"}) == sorted(["best.keras", "last.keras", *left])
    checkpoint = kv.callbacks.Checkpoint(directory)
    restored = checkpoint.restore()
    assert checkpoint.epoch == 1
    for one, other in zip(restored.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(one, other)


def interrupted_by(action, directory, message):
    """Train until an action after the second epoch keeps the checkpoint from being written."""
    vae = compiled()
    weights = []
    callbacks = [At(0, lambda: weights.extend(vae.get_weights())), At(1, action), kv.callbacks.Checkpoint(directory)]
    with pytest.raises(OSError, match=rf"checkpoint of epoch 2 could not be written, .* '{directory}' \({message}"):
        vae.fit(X, epochs=3, callbacks=callbacks, verbose=0)
    return weights


def test_a_disk_that_fills_up_leaves_the_last_checkpoint(mounted):
    weights = interrupted_by(lambda: fill(mounted), mounted, "No space left on device")
    assert_first_epoch_stays(mounted, weights)


def test_a_disk_that_becomes_read_only_leaves_the_last_checkpoint(mounted):
    def make_read_only():
        subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)

    weights = interrupted_by(make_read_only, mounted, "Read-only file system")
    assert_first_epoch_stays(mounted, weights, left=[".lock"])  # which cannot be removed, and locks nothing


def test_a_file_that_the_system_cuts_short_leaves_the_last_checkpoint(tmp_path, largest_file):
    weights = interrupted_by(lambda: largest_file(8192), tmp_path, "File too large")
    largest_file()  # Keras writes a file to read one
    assert_first_epoch_stays(tmp_path, weights)


def test_a_read_only_directory_is_refused_before_training(mounted):
    subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    vae = compiled()
    with pytest.raises(OSError, match=r"The output directory must be writable. .*\(Read-only file system\)"):
        vae.fit(X, callbacks=[kv.callbacks.Checkpoint(mounted)], verbose=0)
    assert int(vae.optimizer.iterations) == 0


@pytest.mark.parametrize("name", ["model.keras", "model.weights.h5"])
def test_saving_to_a_full_disk_keeps_the_good_file(name, tmp_path, largest_file):
    path = tmp_path / name
    vae = compiled()
    save, load = (vae.save, keras.models.load_model) if name == "model.keras" else (vae.save_weights, vae.load_weights)
    save(path)
    good = path.read_bytes()
    vae.fit(X, verbose=0)
    weights = vae.get_weights()
    for _ in range(3):  # HDF5 does not survive a write that fails: none may come to it
        largest_file(len(good) // 2)
        with pytest.raises(OSError, match=rf"File too large: '{path}'"):
            save(path)
        largest_file()
        assert path.read_bytes() == good
        assert names(tmp_path) == [name]
    save(path)
    vae.set_weights([0 * weight for weight in weights])
    restored = load(path) or vae
    for one, other in zip(restored.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_large_model_never_meets_the_disk_before_it_is_whole(tmp_path, monkeypatch):
    # Of more than some hundred megabytes Keras would write HDF5 straight to the disk.
    monkeypatch.setattr("keras.src.saving.saving_lib.is_memory_sufficient", lambda model: False)
    opened = []
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", lambda *args, **kwargs: opened.append(args))
    vae = compiled()
    vae.save(tmp_path / "model.keras")
    assert not opened
    kv.load_model(tmp_path / "model.keras")
