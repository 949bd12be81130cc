"""Images by name, from folders and from files, as one array."""

import numpy as np
import pytest

import keras_vae as kv
from keras_vae_cli.loading import load_images, load_named, load_rows


def test_faces_are_drawn_in_the_size_and_the_number_wanted(monkeypatch):
    asked, digits = [], kv.data.load("digits")

    def load(name, **options):
        asked.append((name, options))
        return digits

    monkeypatch.setattr(kv.data, "load", load)
    load_named("cartoon_faces", image_size=32, limit=3000)
    load_named("cartoon_faces", image_size=32)
    load_named("digits", image_size=32)
    load_images(["cartoon_faces"], (32, 32, 3))
    assert asked == [
        ("cartoon_faces", {"image_size": 32, "num_train": 3000}),
        ("cartoon_faces", {"image_size": 32}),
        ("digits", {}),
        ("cartoon_faces", {"image_size": 32, "num_train": 1}),
    ]


def test_each_split_is_that_of_the_data_set():
    sets = dict(zip(("train", "test"), kv.data.load("digits"), strict=True))
    for split, images in sets.items():
        np.testing.assert_array_equal(load_images(["digits"], (8, 8, 1), split=split), images.images)
        np.testing.assert_array_equal(load_rows("digits", [5, 0], (8, 8, 1), split=split), images.images[[5, 0]])


def test_files_are_read_at_the_models_size_and_with_its_channels(faces):
    folder, images = faces
    np.testing.assert_array_equal(load_images([f"{folder}/"], (20, 16, 3)), images)
    grey = load_images([str(folder / "face02.png"), f"{folder}/"], (10, 8, 1), limit=4)
    assert (grey.shape, grey.dtype) == ((4, 10, 8, 1), np.uint8)
    np.testing.assert_array_equal(grey[0], grey[3])


def test_sources_that_do_not_go_together_are_refused(faces):
    folder, _ = faces
    with pytest.raises(ValueError, match="`images` must all be of one shape"):
        load_images(["digits", f"{folder}/"], (20, 16, 3))
    with pytest.raises(ValueError, match="The model must be one of images"):
        load_images([f"{folder}/"], (64,))
    with pytest.raises(ValueError, match="Images of .* must be numbered from 0 to 11. Received: 12"):
        load_rows(f"{folder}/", [0, 12], (20, 16, 3))
