"""Data sets by name: each place is looked in, in order; what is broken or missing is named."""

import collections
import gzip
import importlib
import pickle
import socket
import struct
import time

import keras
import numpy as np
import pytest

import keras_vae as kv
from keras_vae.data import finding
from keras_vae.data.sources import SOURCES

# The package's attribute of this name is the function.
fashion_mnist_module = importlib.import_module("keras_vae.data.sources.fashion_mnist")
DEBIAN = fashion_mnist_module.DEBIAN


def small_set(start=0):
    """Return Keras's two pairs of arrays, of 20 and 12 images 6 x 5, which `start` tells apart."""
    images = np.arange(start, start + 32 * 30, dtype=np.int64).astype(np.uint8).reshape(32, 6, 5)
    labels = (np.arange(32, dtype=np.uint8) + start) % 10
    return (images[:20], labels[:20]), (images[20:], labels[20:])


def idx_bytes(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(directory, splits, *, compress=True, dotted=False):
    directory.mkdir(parents=True, exist_ok=True)
    for prefix, (images, labels) in zip(("train", "t10k"), splits, strict=True):
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            name = f"{prefix}-{kind}-ubyte"
            if dotted:
                name = name.replace("-idx", ".idx")
            content = idx_bytes(array)
            path = directory / (f"{name}.gz" if compress else name)
            path.write_bytes(gzip.compress(content) if compress else content)


def write_npz(path, splits):
    (x_train, y_train), (x_test, y_test) = splits
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


def assert_holds(loaded, splits):
    for image_set, (images, labels) in zip(loaded, splits, strict=True):
        assert image_set.images.dtype == np.uint8
        assert image_set.labels.dtype == np.int64
        np.testing.assert_array_equal(image_set.images, images.reshape(len(images), 6, 5, -1))
        np.testing.assert_array_equal(image_set.labels, labels.reshape(-1))


def offline():
    raise Exception("URL fetch failure on https://example.org/x: None -- Name or service not known")


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """Leave no place to find anything in; return the directory that everything is to be put into."""
    monkeypatch.delenv(finding.DATA_VARIABLE, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(fashion_mnist_module, "DEBIAN", tmp_path / "debian")
    for module in (keras.datasets.fashion_mnist, keras.datasets.mnist, keras.datasets.cifar10):
        monkeypatch.setattr(module, "load_data", offline)
    return tmp_path


def test_digits_are_scikit_learns_scaled_to_eight_bits_and_split_in_order():
    from sklearn.datasets import load_digits

    train, test = kv.data.load("digits")
    expected = load_digits()
    assert (len(train), len(test)) == (1500, 297)
    assert train.images.shape == (1500, 8, 8, 1)
    assert train.images.dtype == np.uint8
    assert train.images.max() == 255
    images = np.concatenate([train.images, test.images])[..., 0]
    np.testing.assert_allclose(images * (16 / 255), expected.images, atol=0.5 * 16 / 255)
    np.testing.assert_array_equal(np.concatenate([train.labels, test.labels]), expected.target)


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_real_fashion_mnist_has_its_published_sizes_and_classes(nowhere, monkeypatch):
    monkeypatch.setattr(fashion_mnist_module, "DEBIAN", DEBIAN)
    train, test = kv.data.load("fashion_mnist")
    assert train.images.shape == (60000, 28, 28, 1)
    assert test.images.shape == (10000, 28, 28, 1)
    assert collections.Counter(train.labels.tolist()) == dict.fromkeys(range(10), 6000)
    assert collections.Counter(test.labels.tolist()) == dict.fromkeys(range(10), 1000)
    assert [test.class_names[label] for label in test.labels[:4]] == ["Ankle boot", "Pullover", "Trouser", "Trouser"]


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("dotted", [True, False])
@pytest.mark.parametrize("folder", ["", "fashion-mnist", "fashion_mnist"])
def test_idx_files_in_the_users_directory_are_found(nowhere, monkeypatch, compress, dotted, folder):
    write_idx(nowhere / "mine" / folder, small_set(), compress=compress, dotted=dotted)
    monkeypatch.setenv(finding.DATA_VARIABLE, str(nowhere / "mine"))
    assert_holds(kv.data.load("fashion_mnist"), small_set())


@pytest.mark.parametrize(
    ("name", "file"),
    [("fashion_mnist", "fashion_mnist.npz"), ("fashion_mnist", "fashion-mnist.npz"), ("mnist", "mnist.npz")],
)
def test_keras_npz_form_in_the_users_directory_is_found(nowhere, monkeypatch, name, file):
    write_npz(nowhere / file, small_set())
    monkeypatch.setenv(finding.DATA_VARIABLE, str(nowhere))
    assert_holds(kv.data.load(name), small_set())


def test_colour_images_and_columns_of_labels_come_out_in_one_form(nowhere, monkeypatch):
    splits = tuple(
        (np.stack([images] * 3, axis=-1), labels[:, None].astype(np.int64)) for images, labels in small_set()
    )
    write_npz(nowhere / "cifar10.npz", splits)
    monkeypatch.setenv(finding.DATA_VARIABLE, str(nowhere))
    assert_holds(kv.data.load("cifar10"), splits)


def test_places_are_looked_in_in_order(nowhere, monkeypatch):
    """Each better place, once it has the data, is taken instead of the ones before."""
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", lambda: small_set(1))
    assert_holds(kv.data.load("fashion_mnist"), small_set(1))
    write_idx(nowhere / "keras" / "datasets" / "fashion-mnist", small_set(2))
    assert_holds(kv.data.load("fashion_mnist"), small_set(2))
    write_idx(nowhere / "debian", small_set(3))
    assert_holds(kv.data.load("fashion_mnist"), small_set(3))
    write_idx(nowhere / "mine", small_set(4))
    monkeypatch.setenv(finding.DATA_VARIABLE, str(nowhere / "mine"))
    assert_holds(kv.data.load("fashion_mnist"), small_set(4))


def test_mnist_and_cifar10_come_from_keras_where_nothing_else_has_them(nowhere, monkeypatch):
    monkeypatch.setattr(keras.datasets.mnist, "load_data", small_set)
    assert_holds(kv.data.load("mnist"), small_set())
    cache = nowhere / "keras" / "datasets"
    cache.mkdir(parents=True)
    write_npz(cache / "mnist.npz", small_set(5))
    assert_holds(kv.data.load("mnist"), small_set(5))

    colour = tuple((np.stack([images] * 3, axis=-1), labels[:, None]) for images, labels in small_set(6))
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", lambda: colour)
    assert_holds(kv.data.load("cifar10"), colour)


@pytest.mark.parametrize("name", ["fashion_mnist", "mnist", "cifar10"])
def test_what_is_nowhere_names_each_place_and_the_remedies_in_one_line(nowhere, monkeypatch, name):
    monkeypatch.setenv(finding.DATA_VARIABLE, str(nowhere / "empty"))
    with pytest.raises(kv.data.DataNotFoundError) as caught:
        kv.data.load(name)
    message = str(caught.value)
    for part in (str(nowhere / "empty"), "no such directory", str(nowhere / "keras"), "URL fetch failure", "set KERAS"):
        assert part in message
    if name == "fashion_mnist":
        assert str(nowhere / "debian") in message
        assert "dataset-fashion-mnist" in message
    assert "\n" not in message
    assert isinstance(caught.value, FileNotFoundError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == message


def test_an_unset_variable_is_said_to_be_unset(nowhere):
    with pytest.raises(kv.data.DataNotFoundError, match=r"KERAS_VAE_DATA \(the variable is not set\)"):
        kv.data.load("mnist")


def test_a_missing_file_of_four_is_named(nowhere, monkeypatch):
    write_idx(nowhere, small_set())
    (nowhere / "t10k-labels-idx1-ubyte.gz").unlink()
    monkeypatch.setenv(finding.DATA_VARIABLE, str(nowhere))
    with pytest.raises(kv.data.DataNotFoundError, match=r"\(no t10k-labels-idx1-ubyte.gz\)"):
        kv.data.load("fashion_mnist")


@pytest.mark.parametrize(("wanted", "there"), [("fashion_mnist", "MNIST"), ("mnist", "Fashion-MNIST")])
def test_files_of_another_set_with_the_same_names_are_not_taken(nowhere, monkeypatch, wanted, there):
    labels = {"MNIST": [7, 2, 1, 0, 4, 1, 4, 9, 5, 9, 0, 6], "Fashion-MNIST": [9, 2, 1, 1, 6, 1, 4, 6, 5, 7, 4, 5]}
    train, (images, _) = small_set()
    write_idx(nowhere, (train, (images, np.array(labels[there], np.uint8))))
    monkeypatch.setenv(finding.DATA_VARIABLE, str(nowhere))
    with pytest.raises(kv.data.DataNotFoundError, match=f"what is there is {there}"):
        kv.data.load(wanted)


def _cut_gzip(content):
    return gzip.compress(content)[:-20]


def _flip_gzip(content):
    packed = bytearray(gzip.compress(content))
    packed[len(packed) // 2] ^= 0xFF
    return bytes(packed)


@pytest.mark.parametrize(
    "damage",
    [
        _cut_gzip,
        _flip_gzip,
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: content[:9],
        lambda content: b"",
        lambda content: b"<html>not found</html>",
        lambda content: bytes([0, 0, 13]) + content[3:],
    ],
    ids=["gzip cut", "gzip flipped", "cut", "too long", "header cut", "empty", "a web page", "floats"],
)
def test_a_broken_file_is_named(nowhere, monkeypatch, damage):
    write_idx(nowhere, small_set(), compress=False)
    path = nowhere / "train-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    monkeypatch.setenv(finding.DATA_VARIABLE, str(nowhere))
    with pytest.raises(ValueError, match="must be a whole IDX file of unsigned bytes.* Received: ") as caught:
        kv.data.load("fashion_mnist")
    assert str(path) in str(caught.value)


def test_a_broken_file_in_kerass_cache_is_named_too(nowhere):
    cache = nowhere / "keras" / "datasets"
    cache.mkdir(parents=True)
    write_npz(cache / "mnist.npz", small_set())
    whole = (cache / "mnist.npz").read_bytes()
    (cache / "mnist.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="must be an npz file with the arrays") as caught:
        kv.data.load("mnist")
    assert str(cache / "mnist.npz") in str(caught.value)


def test_images_and_labels_that_do_not_belong_together_are_named(nowhere, monkeypatch):
    (images, labels), test = small_set()
    write_idx(nowhere, ((images, labels[:-1]), test))
    monkeypatch.setenv(finding.DATA_VARIABLE, str(nowhere))
    with pytest.raises(ValueError, match="train-images.*as many as.*train-labels.*20, 6, 5.*19 labels"):
        kv.data.load("fashion_mnist")


def test_labels_beyond_the_classes_are_refused(nowhere, monkeypatch):
    (images, labels), test = small_set()
    write_idx(nowhere, ((images, labels + 1), test))
    monkeypatch.setenv(finding.DATA_VARIABLE, str(nowhere))
    with pytest.raises(ValueError, match="labels from 0 to 9. Received: labels from 1 to 10"):
        kv.data.load("fashion_mnist")


def test_a_host_that_does_not_answer_is_not_waited_for(monkeypatch, tmp_path):
    monkeypatch.setattr(finding, "_SECONDS_WITHOUT_AN_ANSWER", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/data"
        start = time.monotonic()
        with pytest.raises(FileNotFoundError, match="timed out"):
            finding.download(lambda: keras.utils.get_file("data", url, cache_dir=tmp_path))
    assert time.monotonic() - start < 5
    assert socket.getdefaulttimeout() is None


def test_an_unknown_name_is_answered_with_the_known_ones():
    known = ", ".join(map(repr, sorted(SOURCES)))
    with pytest.raises(ValueError, match=rf"`name` must be one of \[{known}\]\. Received: name='mnits'"):
        kv.data.load("mnits")


def test_every_source_is_documented():
    for name in SOURCES:
        assert f'"{name}"' in kv.data.load.__doc__


def test_first_takes_the_first_images_and_keeps_the_names():
    train, _ = kv.data.load("digits")
    first = train.first(3)
    assert len(first) == 3
    assert first.class_names == train.class_names
    np.testing.assert_array_equal(first.images, train.images[:3])
    with pytest.raises(ValueError, match="`n` must be >= 1. Received: n=0"):
        train.first(0)


def test_an_image_set_refuses_arrays_of_another_form():
    images, labels = np.zeros((2, 4, 4, 1), np.uint8), np.zeros(2, np.int64)
    with pytest.raises(ValueError, match="`images` must be uint8 .* Received: float64 of shape"):
        kv.data.ImageSet(images / 255.0, labels)
    with pytest.raises(ValueError, match="`labels` must be int64 of shape .* Received: int64 of shape \\(1,\\)"):
        kv.data.ImageSet(images, labels[:1])
