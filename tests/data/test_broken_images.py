"""Files that are called images and are none: named, and refused or skipped as the caller wishes."""

import logging
import os
import warnings

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageFile

import keras_vae as kv
from tests.data.folders import epoch_of, numbered, save, whole

GENERATOR = np.random.default_rng(0)


def damaged(folder):
    """Write six good images, and six files that are called images and are none; return the names of the latter."""
    numbered(folder, 6, side=32)
    noise = GENERATOR.integers(0, 256, (64, 64, 3))
    save(folder / "cut.png", noise)
    save(folder / "cut.jpg", noise)
    save(folder / "flipped.png", noise)
    for name in ("cut.png", "cut.jpg"):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])
    content = bytearray((folder / "flipped.png").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (folder / "flipped.png").write_bytes(bytes(content))
    (folder / "empty.png").write_bytes(b"")
    (folder / "page.jpg").write_bytes(b"<html>not found</html>")
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    return {"cut.png", "cut.jpg", "flipped.png", "empty.png", "page.jpg", "gone.png"}


def warned(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_broken_files_are_skipped_and_each_is_named_once(tmp_path, caplog):
    broken = damaged(tmp_path)
    dataset = kv.data.image_folder(tmp_path, 2, batch_size=4, on_error="skip")
    assert int(dataset.cardinality()) == 2
    assert [epoch_of(dataset) for _ in range(2)] == [list(range(6))] * 2
    *messages, count = warned(caplog)
    assert count == f"{tmp_path}: 6 of 12 images left out"
    assert len(messages) == len(broken)
    for name in broken:
        assert sum(str(tmp_path / name) in message for message in messages) == 1


@pytest.mark.parametrize("name", ["cut.png", "cut.jpg", "flipped.png", "empty.png", "page.jpg", "gone.png"])
def test_a_broken_file_is_refused_by_name_before_anything_is_read(tmp_path, name):
    for other in damaged(tmp_path) - {name}:
        (tmp_path / other).unlink()
    with pytest.raises(kv.data.BrokenImageError, match="must be a whole image file. Received: ") as caught:
        kv.data.image_folder(tmp_path, 2)
    assert caught.value.path == str(tmp_path / name) and str(tmp_path / name) in str(caught.value)
    with pytest.raises(kv.data.BrokenImageError, match=name):
        kv.data.read_images(tmp_path, ["000.png", name], 2)


def test_without_verification_broken_files_are_found_as_they_are_read(tmp_path, caplog):
    damaged(tmp_path)
    with pytest.raises(tf.errors.OpError, match="cut.jpg' must be a whole image file"):
        whole(kv.data.image_folder(tmp_path, 2, verify=False))
    dataset = kv.data.image_folder(tmp_path, 2, batch_size=4, verify=False, on_error="skip", shuffle=True, seed=0)
    assert [sorted(epoch_of(dataset)) for _ in range(2)] == [list(range(6))] * 2
    assert len(warned(caplog)) == 6


def test_a_file_that_breaks_later_makes_its_batch_shorter(tmp_path, caplog):
    dataset = kv.data.image_folder(numbered(tmp_path, 6), 2, batch_size=3, on_error="skip")
    (tmp_path / "001.png").write_bytes(b"overwritten")
    assert [len(batch) for batch in dataset] == [2, 3]
    assert len(warned(caplog)) == 1
    for i in (0, 2):
        (tmp_path / f"{i:03d}.png").unlink()
    with pytest.raises(tf.errors.OpError, match="000.png' must be .* a batch of 3 broken files"):
        whole(dataset)


def test_a_folder_of_nothing_but_broken_files_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ValueError, match="at least one whole image. Received: .* with 0 whole images of 1"):
        kv.data.image_folder(tmp_path, 2, on_error="skip")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_at_once_and_not_waited_for(tmp_path):
    numbered(tmp_path, 2)
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(kv.data.BrokenImageError, match="x.png' .* Received: a pipe, a device or a folder, not an"):
        kv.data.image_folder(tmp_path, 2)
    assert len(kv.data.image_folder(tmp_path, 2, on_error="skip").files) == 2


def test_a_format_that_is_not_in_the_list_is_refused_though_pillow_knows_it(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.ppm")
    (tmp_path / "a.ppm").rename(tmp_path / "a.png")
    with pytest.raises(kv.data.BrokenImageError, match="Received: no image of a known format: AVIF, BMP, GIF, JPEG"):
        kv.data.read_images(tmp_path, ["a.png"], 2)


def test_a_file_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    # One colour: 13,000 x 13,000 pixels in half a megabyte.
    Image.new("L", (13_000, 13_000)).save(tmp_path / "bomb.png")
    decoded = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: decoded.append(image))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Pillow's own words would be one
        with pytest.raises(kv.data.BrokenImageError) as caught:
            kv.data.read_images(tmp_path, ["bomb.png"], 2)
    assert str(caught.value).endswith(
        "Received: 13000 x 13000 pixels, more than the 67,108,864 that `max_pixels` allows"
    )
    assert not decoded


def test_the_bound_is_the_users_in_both_directions(tmp_path, monkeypatch):
    numbered(tmp_path, 2, side=32)
    with pytest.raises(kv.data.BrokenImageError, match="32 x 32 pixels, more than the 1,023 that `max_pixels` allows"):
        kv.data.image_folder(tmp_path, 2, max_pixels=1023)
    assert len(kv.data.image_folder(tmp_path, 2, max_pixels=1024).files) == 2
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 16)  # Pillow's bound counts for nothing
    assert kv.data.read_images(tmp_path, ["000.png"], 2, max_pixels=2**40).shape == (1, 2, 2, 3)
    with pytest.raises(ValueError, match="`max_pixels` must be >= 1. Received: max_pixels=0"):
        kv.data.read_images(tmp_path, ["000.png"], 2, max_pixels=0)
