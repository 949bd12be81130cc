"""Files that are called images and are none: named, and refused or skipped as the caller wishes."""

import logging

import numpy as np
import pytest
import tensorflow as tf

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
    messages = warned(caplog)
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
    with pytest.raises(ValueError, match="at least one whole image. Received: .* where none of 1 images is whole"):
        kv.data.image_folder(tmp_path, 2, on_error="skip")
