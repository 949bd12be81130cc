"""Images from a folder: read as they are needed, in an order that the seed decides."""

import importlib
import os
import struct
import threading
import time
import weakref

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, TiffImagePlugin, features

import keras_vae as kv
from tests.data.folders import epoch_of, numbered, save, whole

image_folder_module = importlib.import_module("keras_vae.data.image_folder")  # the function has its name

GENERATOR = np.random.default_rng(0)


def test_batches_are_the_images_in_the_order_of_their_names(tmp_path):
    images = GENERATOR.integers(0, 256, (7, 6, 5, 3)).astype(np.uint8)
    for i in (3, 0, 6, 1, 2, 5, 4):
        save(tmp_path / f"{i}.png", images[i])
    dataset = kv.data.image_folder(tmp_path, (6, 5), batch_size=3)
    assert dataset.element_spec == tf.TensorSpec((None, 6, 5, 3), tf.float32)
    assert int(dataset.cardinality()) == 3
    assert [len(batch) for batch in dataset] == [3, 3, 1]
    np.testing.assert_array_equal(whole(dataset), images / np.float32(255))
    assert dataset.files == tuple(f"{i}.png" for i in range(7))


def test_it_is_the_pipeline_of_the_same_images(tmp_path):
    """The oracle for order, epochs and resuming is `pipeline`, on the images in memory."""
    numbered(tmp_path, 23)
    settings = {"batch_size": 5, "shuffle": True, "seed": 9}
    streamed = kv.data.image_folder(tmp_path, 2, **settings)
    expected = kv.data.pipeline(kv.data.read_images(tmp_path, streamed.files, 2), **settings)
    epochs = [epoch_of(streamed) for _ in range(3)]
    assert epochs == [epoch_of(expected) for _ in range(3)]
    assert sorted(epochs[0]) == list(range(23)) and epochs[0] != epochs[1] != epochs[2]
    resumed = kv.data.image_folder(tmp_path, 2, **settings)
    resumed.epoch.assign(2)
    assert epoch_of(resumed) == epochs[2]
    assert int(streamed.epoch) == 3


def test_seeds_decide_the_order(tmp_path):
    numbered(tmp_path, 30)
    same, again, other = (epoch_of(kv.data.image_folder(tmp_path, 2, shuffle=True, seed=s)) for s in (1, 1, 2))
    assert same == again and same != other
    first, second = (epoch_of(kv.data.image_folder(tmp_path, 2, shuffle=True)) for _ in range(2))
    assert first != second


def test_repeated_it_goes_on_with_further_epochs(tmp_path):
    numbered(tmp_path, 10)
    settings = {"batch_size": 5, "shuffle": True, "seed": 1}
    once = kv.data.image_folder(tmp_path, 2, **settings)
    repeated = kv.data.image_folder(tmp_path, 2, **settings).repeat().take(6)
    assert epoch_of(repeated) == [number for _ in range(3) for number in epoch_of(once)]


@pytest.mark.parametrize(("drop", "expected"), [(False, [4, 4, 2]), (True, [4, 4])])
def test_a_short_last_batch_is_kept_or_left_out(tmp_path, drop, expected):
    dataset = kv.data.image_folder(numbered(tmp_path, 10), 2, batch_size=4, drop_remainder=drop)
    assert [len(batch) for batch in dataset] == expected
    assert int(dataset.cardinality()) == len(expected)


@pytest.mark.parametrize(("size", "box"), [((20, 40), "width"), ((40, 20), "height")])
def test_the_centre_is_cropped_to_the_shape_wanted(tmp_path, size, box):
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[..., 0] = 200
    centre = pixels[:, 10:30] if box == "width" else pixels[10:30]
    centre[...] = GENERATOR.integers(0, 256, (20, 20, 3))
    save(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(kv.data.read_images(tmp_path, ["a.png"], 20)[0], centre)
    shape = whole(kv.data.image_folder(tmp_path, (10, 5))).shape
    assert shape == (1, 10, 5, 3)


def test_shrinking_averages(tmp_path):
    """A fine chequerboard becomes grey; picking every eighth pixel would make it black or white."""
    save(tmp_path / "a.png", 255 * (np.indices((64, 64)).sum(axis=0) % 2))
    image = whole(kv.data.image_folder(tmp_path, 8))[0]
    np.testing.assert_allclose(image, 0.5, atol=0.02)


def test_channels_are_grey_or_colour(tmp_path):
    pixels = GENERATOR.integers(0, 256, (4, 4, 3)).astype(np.uint8)
    save(tmp_path / "a.png", pixels)
    grey = whole(kv.data.image_folder(tmp_path, 4, channels=1))[0, ..., 0]
    np.testing.assert_allclose(grey, pixels @ [0.299, 0.587, 0.114] / 255, atol=1 / 255)
    save(tmp_path / "a.png", pixels[..., 0])
    colour = whole(kv.data.image_folder(tmp_path, 4))[0]
    np.testing.assert_array_equal(colour, np.repeat(pixels[..., :1], 3, axis=-1) / np.float32(255))


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "tiff", "gif", "JPG", "jpeg", "webp", "avif", "jp2", "j2k"])
def test_formats(tmp_path, suffix):
    if suffix == "avif" and not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:, :8] = (200, 40, 90)
    save(tmp_path / f"a.{suffix}", pixels)
    read = kv.data.read_images(tmp_path, [f"a.{suffix}"], 16)[0]
    tolerance = 30 if suffix in ("JPG", "jpeg", "webp", "avif") else 0
    np.testing.assert_allclose(read[:, 2:6].astype(int), pixels[:, 2:6], atol=tolerance)
    assert kv.data.image_folder(tmp_path, 16).files == (f"a.{suffix}",)


def test_transparent_places_are_white(tmp_path):
    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[..., 0] = 200
    pixels[0, :, 3] = (0, 255, 51)
    save(tmp_path / "a.png", pixels)
    read = kv.data.read_images(tmp_path, ["a.png"], (2, 3))[0]
    expected = [[255, 255, 255], [200, 0, 0], [244, 204, 204]]  # a fifth of the colour over white
    np.testing.assert_allclose(read[0].astype(int), expected, atol=1)


def test_palettes_sixteen_bits_and_inks_are_read_as_what_they_show(tmp_path):
    image = Image.new("P", (2, 2), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.save(tmp_path / "palette.png")
    Image.fromarray(np.full((2, 2), 257 * 99, np.uint16)).save(tmp_path / "deep.png")
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "inks.jpg")
    Image.new("1", (2, 2), 1).save(tmp_path / "bits.png")
    names = ["palette.png", "deep.png", "inks.jpg", "bits.png"]
    read = kv.data.read_images(tmp_path, names, 2)[:, 0, 0].astype(int)
    np.testing.assert_allclose(read, [[10, 20, 30], [99] * 3, [255, 0, 0], [255] * 3], atol=3)


def tiff(path, values, bits, *, is_inverted=False):
    """Write a grey TIFF of some bits a value."""
    values, tags = np.asarray(values), TiffImagePlugin.ImageFileDirectory_v2()
    image = Image.fromarray(values)
    if bits == 12:  # Pillow reads these and does not write them: two values in three bytes, in a strip
        packed = b"".join(bytes([a >> 4, (a & 15) << 4 | b >> 8, b & 255]) for a, b in values.reshape(-1, 2).tolist())
        entries = [
            (256, 2),
            (257, len(values)),
            (258, 12),
            (259, 1),
            (262, 1),
            (273, 200),
            (277, 1),
            (278, len(values)),
        ]
        entries.append((279, len(packed)))
        directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHIHH", t, 3, 1, v, 0) for t, v in entries)
        head = (b"II*\0" + struct.pack("<I", 8) + directory + bytes(4)).ljust(200, b"\0")
        path.write_bytes(head + packed)
        return
    if is_inverted:
        tags[262] = 0
    image.save(path, tiffinfo=tags)


@pytest.mark.parametrize(
    ("values", "bits", "expected"),
    [
        (np.array([[0, 2048], [4095, 1024]], np.uint16), 12, [[0, 128], [255, 64]]),
        (np.array([[0, 32896], [65535, 1]], np.uint16), 16, [[0, 128], [255, 0]]),
        (np.array([[0, 0.5], [1, 0.25]], np.float32), 32, [[0, 128], [255, 64]]),
    ],
)
def test_values_of_many_bits_are_scaled_by_what_the_file_can_hold(tmp_path, values, bits, expected):
    tiff(tmp_path / "a.tif", values, bits)
    read = kv.data.read_images(tmp_path, ["a.tif"], 2, channels=1)[0, ..., 0]
    np.testing.assert_array_equal(read, expected)


def test_a_deep_tiff_whose_zero_is_white_is_inverted(tmp_path):
    tiff(tmp_path / "a.tif", np.full((2, 2), 257 * 55, np.uint16), 16, is_inverted=True)
    np.testing.assert_array_equal(kv.data.read_images(tmp_path, ["a.tif"], 2, channels=1), 200)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([[0.0, 1.5]], np.float32), "floats from 0 to 1.5, and nothing says which value is white"),
        (np.array([[-0.1, 1.0]], np.float32), "floats from -0.1 to 1"),
        (np.array([[0.0, np.nan]], np.float32), "floats from nan to nan"),
        (
            np.array([[0, 255]], np.int32),
            "integers from 0 to 255, and nothing says .* save it with 8 or 16 bits, or as",
        ),
        (np.array([[-7, 70000]], np.int32), "integers from -7 to 70000"),
    ],
)
def test_values_of_an_unknown_range_are_refused_and_not_black(tmp_path, values, message):
    tiff(tmp_path / "a.tif", values, 32)
    with pytest.raises(kv.data.BrokenImageError, match=message):
        kv.data.read_images(tmp_path, ["a.tif"], (1, 2))


def test_photographs_are_turned_as_the_camera_says(tmp_path):
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side: turn clockwise
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif, quality=95)
    read = kv.data.read_images(tmp_path, ["a.jpg"], (16, 8))[0]
    np.testing.assert_allclose(read[:6], 255, atol=5)
    np.testing.assert_allclose(read[10:], 0, atol=5)


def test_folders_within_are_searched_if_wanted_and_other_files_are_passed_over(tmp_path):
    for name in ("b.png", "a/c.png", "a/d/e.png", ".hidden.png", ".git/f.png"):
        save(tmp_path / name, np.zeros((2, 2, 3)))
    (tmp_path / "factors.csv").write_text("file\n")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    assert kv.data.image_folder(tmp_path, 2).files == ("a/c.png", "a/d/e.png", "b.png")
    assert kv.data.image_folder(str(tmp_path), 2, recursive=False).files == ("b.png",)


def test_missing_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="`path` must be a folder of images. Received: .*nowhere', no such"):
        kv.data.image_folder(tmp_path / "nowhere", 2)
    with pytest.raises(ValueError, match="must hold images, files that end in .avif, .bmp, .* with 0 other files"):
        kv.data.image_folder(tmp_path, 2)
    (tmp_path / "notes.txt").write_text("none")
    save(tmp_path / "within" / "a.png", np.zeros((2, 2, 3)))
    with pytest.raises(ValueError, match="found with recursive=True. Received: .* with 1 other file"):
        kv.data.image_folder(tmp_path, 2, recursive=False)
    with pytest.raises(FileNotFoundError, match="`path` must be a folder of images. Received: .*a.png', a file"):
        kv.data.image_folder(tmp_path / "within" / "a.png", 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_size": 0}, r"`image_size` must be a positive integer, or a pair .* Received: image_size=\(0, 0\)"),
        ({"image_size": (2, 2, 3)}, r"`image_size` must be a positive integer, .* Received: image_size=\(2, 2, 3\)"),
        ({"image_size": None}, r"`image_size` must be a positive integer, or a pair"),
        ({"image_size": "64"}, r"`image_size` must be a positive integer, or a pair"),
        ({"batch_size": 0}, "`batch_size` must be >= 1. Received: batch_size=0"),
        ({"batch_size": 4, "drop_remainder": True}, "`batch_size` must be <= 3, .* Received: batch_size=4"),
        ({"channels": 4}, r"`channels` must be one of \[1, 3\]. Received: channels=4"),
        ({"seed": -1}, "`seed` must be >= 0. Received: seed=-1"),
        ({"on_error": "ignore"}, r"`on_error` must be one of \['raise', 'skip'\]. Received: on_error='ignore'"),
        ({"validation_split": 0.5}, "`validation_split` and `subset` must be given together. .* subset=None"),
        ({"subset": "both"}, "`validation_split` and `subset` must be given together. .*split=None, subset='both'"),
        ({"subset": "test"}, "`subset` must be one of .* Received: subset='test'"),
        ({"validation_split": 0, "subset": "both"}, "`validation_split` must be > 0. Received: validation_split=0"),
        ({"validation_split": 1.0, "subset": "both"}, "`validation_split` must be < 1. Received: validation_split=1.0"),
        ({"validation_split": 1e-9, "subset": "both"}, "must leave images for validation. Received: .* for 3 images"),
    ],
)
def test_bad_arguments_are_refused(tmp_path, arguments, message):
    numbered(tmp_path, 3)
    with pytest.raises(ValueError, match=message):
        kv.data.image_folder(tmp_path, **{"image_size": 2, **arguments})


def test_the_validation_set_depends_on_names_alone(tmp_path):
    numbered(tmp_path, 200)
    split = {"validation_split": 0.25, "verify": False}
    train, validation = kv.data.image_folder(tmp_path, 2, subset="both", shuffle=True, seed=0, **split)
    assert sorted(train.files + validation.files) == [f"{i:03d}.png" for i in range(200)]
    assert 25 < len(validation.files) < 75  # four standard deviations
    for subset, expected in (("training", train), ("validation", validation)):
        assert kv.data.image_folder(tmp_path, 2, subset=subset, **split).files == expected.files
    # The validation set is in order, the training set is not.
    assert epoch_of(validation) == [int(name[:3]) for name in validation.files]
    assert epoch_of(train) != [int(name[:3]) for name in train.files]
    # Further files, and another place, move none.
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    save(moved / "0000.png", np.zeros((2, 2, 3)))
    again = kv.data.image_folder(moved, 2, subset="validation", **split).files
    assert set(again) - {"0000.png"} == set(validation.files)


def test_no_more_than_some_batches_are_in_memory(tmp_path, monkeypatch):
    """Of 400 images, hardly any are read before they are asked for, and hardly any are kept."""
    numbered(tmp_path, 400)
    lock, alive, peak, total = threading.Lock(), 0, 0, 0

    def forget():
        nonlocal alive
        alive -= 1

    def read_image(*arguments, inner=image_folder_module.read_image):
        nonlocal alive, peak, total
        image = inner(*arguments).view()
        with lock:
            alive, total = alive + 1, total + 1
            peak = max(peak, alive)
        weakref.finalize(image, forget)
        return image

    monkeypatch.setattr(image_folder_module, "read_image", read_image)
    dataset = kv.data.image_folder(tmp_path, 2, batch_size=1)
    assert total == 400 and peak < 4 * (os.cpu_count() + 2)  # verification
    alive = peak = total = 0
    batches = iter(dataset)
    next(batches)
    time.sleep(0.3)
    assert total < 200
    assert len(list(batches)) == 399
    assert total == 400 and peak < 4 * (os.cpu_count() + 2)


def test_a_model_trains_on_a_folder(tmp_path):
    numbered(tmp_path, 40)
    train, validation = kv.data.image_folder(
        tmp_path, 2, batch_size=8, shuffle=True, seed=0, validation_split=0.3, subset="both"
    )
    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder((4,)),
        posterior=kv.posteriors.DiagonalGaussian(2),
        decoder=kv.networks.MLPDecoder((4,)),
        likelihood=kv.likelihoods.Gaussian((2, 2, 3), scale="optimal"),
    )
    vae.compile("adam")
    history = vae.fit(train, validation_data=validation, epochs=2, initial_epoch=1, verbose=0).history
    assert len(history["loss"]) == len(history["val_elbo"]) == 1
    assert int(train.epoch) == 2  # Keras's first epoch was number 1
    vae.calibrate(train)
    assert vae.predict(validation, verbose=0).shape == (len(validation.files), 2, 2, 3)


def test_labels_come_with_their_images(tmp_path):
    for label, name in enumerate(("cats", "dogs")):
        (tmp_path / name).mkdir()
        for number in range(6):
            Image.fromarray(np.full((4, 4), 100 * label + number, np.uint8)).save(tmp_path / name / f"{number}.png")
    (tmp_path / "dogs" / "3.png").write_bytes(b"broken")
    options = {"channels": 1, "labels": True, "on_error": "skip", "shuffle": True, "seed": 0}
    for verify in (True, False):
        data = kv.data.image_folder(tmp_path, 4, batch_size=5, verify=verify, **options)
        assert data.class_names == ("cats", "dogs")
        x, labels = (np.concatenate(parts) for parts in zip(*data, strict=True))
        assert len(x) == 11 and labels.dtype == np.int64
        np.testing.assert_array_equal(labels, np.round(255 * x[:, 0, 0, 0]) >= 100)
    flat = tmp_path / "cats"
    with pytest.raises(ValueError, match="`path` must hold the table labels.csv, or two or more folders of images"):
        kv.data.image_folder(flat, 4, labels=True)
