"""What files claim is compared with their size before memory or time is given to it."""

import gzip
import io
import json
import os
import resource
import struct
import time
import zipfile

import h5py
import keras
import numpy as np
import pytest

import keras_vae as kv
from keras_vae.core import BrokenFileError, check_claim, keras_internals, read_bytes, read_npz
from keras_vae.data.set_files import read_idx
from tests.models.conftest import small_vae
from tests.models.test_load_model import members, rebuild

MEGABYTE = 2**20


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    small_vae().save(path)
    return path


def refused(action, message, *, megabytes=150, seconds=10.0):
    """Be refused in time, and without much memory on the way."""
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(BrokenFileError, match=message):
        action()
    assert time.monotonic() - start < seconds
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < megabytes * 1024


def with_config(saved, path, change):
    parts = members(saved)
    config = json.loads(parts["config.json"])
    change(config["config"])
    rebuild(path, {**parts, "config.json": json.dumps(config).encode()})


def test_a_config_that_asks_for_more_variables_than_the_file_has_is_refused_before_they_are_made(saved, tmp_path):
    path = tmp_path / "vast.keras"

    def enlarge(config):
        config["posterior"]["config"]["latent_dim"] = 10_000_000

    with_config(saved, path, enlarge)
    refused(lambda: kv.load_model(path), rf"'{path}' .*KERAS_VAE_MAX_BYTES.* bytes for the variables of its config")


def test_a_bound_can_be_raised_by_the_user(monkeypatch):
    with pytest.raises(
        BrokenFileError, match="must claim at most 67,108,964 bytes .* Received: 68,000,000 bytes for x"
    ):
        check_claim("file", 68_000_000, 1, "x")
    monkeypatch.setenv("KERAS_VAE_MAX_BYTES", "68000000")
    assert check_claim("file", 68_000_000, 1, "x") == 68_000_000
    monkeypatch.setenv("KERAS_VAE_MAX_BYTES", "many")
    with pytest.raises(BrokenFileError):
        check_claim("file", 68_000_000, 1, "x")


def test_a_variable_has_its_shape_before_it_has_its_values():
    found = []
    layer = keras.layers.Dense(7)
    import tensorflow as tf

    def creator(next_creator, **kwargs):
        found.append(keras_internals.shape_to_be(kwargs["initial_value"]))
        return next_creator(**kwargs)

    with tf.variable_creator_scope(creator):
        layer.build((None, 3))
        keras.optimizers.Adam().build(layer.trainable_variables)
        tf.Variable(np.zeros((2, 2)))
    assert found[:2] == [(3, 7), (7,)]
    assert found[-1] == (2, 2)
    assert None not in found


def test_more_layers_than_any_network_has_are_refused_at_once(saved, tmp_path):
    path = tmp_path / "many.keras"

    def repeat(config):
        config["encoder"] = [config["encoder"]] * 3000

    with_config(saved, path, repeat)
    refused(lambda: kv.load_model(path), rf"'{path}' \(it has 3,0\d\d layers, and 2,000 are allowed\)")


def damaged_weights(saved, path, damage):
    parts = members(saved)
    content = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(content, "r+") as weights:
        names = []
        weights.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        damage(weights, names[0])
    rebuild(path, {**parts, "model.weights.h5": content.getvalue()})


def promise(weights, name):
    del weights[name]
    weights.create_dataset(name, (10**9,), "f4", chunks=(1024,))  # 4 GB, none of it written


def elsewhere(weights, name):
    del weights[name]
    weights[name] = h5py.ExternalLink("/etc/passwd", "/")


def raw_elsewhere(weights, name):
    del weights[name]
    weights.create_dataset(name, (10,), "f4", external=[("/etc/passwd", 0, 40)])


def cycle(weights, name):
    weights["cycle"] = weights["/"]


@pytest.mark.parametrize("damage", [promise, elsewhere, raw_elsewhere])
def test_arrays_that_promise_more_or_lie_elsewhere_are_refused(saved, tmp_path, damage):
    path = tmp_path / "promise.keras"
    damaged_weights(saved, path, damage)
    refused(lambda: kv.load_model(path), rf"'{path}' \(its array '.*' (promises 4,000,000,000|is a link|promises 40)")


def test_groups_that_hold_themselves_end(saved, tmp_path):
    path = tmp_path / "cycle.keras"
    damaged_weights(saved, path, cycle)
    kv.load_model(path)


def test_a_gzip_file_of_zeros_takes_no_memory(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    shape = (40_000, 200, 200)  # 1.6 GB, in 1.6 MB
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(bytes([0, 0, 8, 3]) + struct.pack(">3I", *shape))
        for _ in range(160):
            file.write(bytes(MEGABYTE))
    refused(lambda: read_idx(path), rf"'{path}' must claim at most .* Received: 1,600,000,000 bytes for the values")
    # What the header says is all that is read.
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(bytes([0, 0, 8, 3]) + struct.pack(">3I", 1, 2, 3))
        for _ in range(160):
            file.write(bytes(MEGABYTE))
    refused(lambda: read_idx(path), "more than 6 values where the header says 6", megabytes=50)


def npz_of(headers):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (shape, data) in headers.items():
            array = io.BytesIO()
            np.lib.format.write_array_header_1_0(array, {"descr": "|u1", "fortran_order": False, "shape": shape})
            archive.writestr(f"{name}.npy", array.getvalue() + data)
    return content.getvalue()


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"x": ((10**12,), b"abc")}, "promises .1000000000000,. values of uint8, which do not follow"),
        ({"x": ((3,), b"abcd")}, "which do not follow"),
        ({"x": ((200 * MEGABYTE,), bytes(200 * MEGABYTE))}, "must claim at most"),
    ],
)
def test_arrays_of_an_npz_file_are_as_large_as_their_headers_say(tmp_path, headers, message):
    path = tmp_path / "mnist.npz"
    path.write_bytes(npz_of(headers))
    refused(lambda: read_npz(path, str(path)), message)


def test_pipes_and_large_files_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "metrics.json")
    refused(lambda: read_bytes(tmp_path / "metrics.json"), "must be an ordinary file", seconds=1.0)
    os.mkfifo(tmp_path / "train-images-idx3-ubyte")
    refused(lambda: read_idx(tmp_path / "train-images-idx3-ubyte"), "a pipe or a device", seconds=1.0)
    with open(tmp_path / "history.csv", "wb") as file:
        file.truncate(10**12)
    refused(lambda: kv.plots.history(tmp_path / "history.csv"), "must be a file of at most 67 MB", seconds=5.0)
