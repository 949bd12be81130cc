"""Cartoon faces: each is a pure function of its seed and its number, and shows the factors that it has."""

import numpy as np
import pytest
from PIL import Image

import keras_vae as kv
from keras_vae.data.cartoon_faces import FACTORS, draw_face, face_factors, write_faces
from keras_vae.data.cartoon_faces.palette import BACKGROUND, CLOTHING, SKIN
from tests import oracles

PLAIN = dict.fromkeys(FACTORS, 0)

# Where a factor shows, in the 256 units of the drawing: left, top, right, bottom.
PLACES = {
    "background": (0, 0, 256, 256),
    "skin": (55, 55, 201, 256),
    "face_shape": (55, 55, 201, 256),
    "hair_style": (0, 0, 256, 256),
    "hair_color": (80, 98, 176, 122),
    "brows": (80, 98, 176, 122),
    "eyes": (86, 112, 170, 148),
    "eye_color": (94, 118, 162, 142),
    "nose": (112, 124, 144, 164),
    "mouth": (100, 162, 156, 194),
    "facial_hair": (62, 124, 194, 206),
    "cheeks": (80, 140, 176, 166),
    "glasses": (70, 108, 186, 154),
    "clothing": (60, 190, 196, 256),
    "clothing_color": (34, 194, 222, 256),
}


# Of face 0 of seed 0, and of face 1,000,000,000 of seed 7.
PINNED = (
    [6, 7, 1, 6, 1, 1, 0, 3, 0, 5, 0, 2, 3, 1, 4],
    [4, 7, 2, 8, 4, 1, 0, 3, 1, 0, 0, 0, 2, 1, 4],
)


def test_the_same_faces_for_ever():
    """What seed and number mean must never change: pictures and models that were published depend on it."""
    assert list(face_factors(0).values()) == PINNED[0]
    assert list(face_factors(1_000_000_000, seed=7).values()) == PINNED[1]


def test_a_face_does_not_depend_on_how_many_are_drawn():
    many, few = (kv.data.load("cartoon_faces", num_train=n, num_test=2, image_size=16, seed=5) for n in (4, 2))
    np.testing.assert_array_equal(few[0].images, many[0].images[:2])
    np.testing.assert_array_equal(few[1].images, many[1].images)
    np.testing.assert_array_equal(many[0].images[3], draw_face(face_factors(3, seed=5), 16))


def test_other_seeds_and_other_numbers_are_other_faces():
    faces = {tuple(face_factors(index, seed).values()) for index in range(50) for seed in range(4)}
    assert len(faces) == 200


def test_there_is_no_last_face():
    picture = draw_face(face_factors(10**15), 16)
    assert picture.shape == (16, 16, 3) and picture.dtype == np.uint8


@pytest.mark.parametrize("name", FACTORS)
def test_each_value_of_a_factor_has_its_share(name):
    values = np.array([face_factors(index)[name] for index in range(1500)])
    shares = {"facial_hair": (40, 8, 8, 8), "cheeks": (32, 20, 12), "glasses": (32, 12, 12, 8)}.get(
        name, (1,) * len(FACTORS[name])
    )
    hits = values[:, None] == np.arange(len(FACTORS[name]))
    oracles.assert_mean_within_standard_errors(hits, np.array(shares) / sum(shares))


@pytest.mark.parametrize("name", FACTORS)
def test_each_value_of_a_factor_shows_and_only_in_its_place(name):
    # With hair behind and before the face, so that all layers are there.
    plain = {**PLAIN, "face_shape": 1}
    pictures = np.stack([draw_face({**plain, name: value}, 128) for value in range(len(FACTORS[name]))])
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    left, top, right, bottom = (round(edge / 2) for edge in PLACES[name])
    pictures[:, top:bottom, left:right] = 0
    np.testing.assert_array_equal(pictures, np.broadcast_to(pictures[:1], pictures.shape))


@pytest.mark.parametrize("hair_style", range(10))
def test_colours_are_those_of_the_factors(hair_style):
    picture = draw_face({**PLAIN, "hair_style": hair_style, "background": 3, "skin": 5, "clothing_color": 2})
    np.testing.assert_array_equal(picture[2, 2], BACKGROUND[3])
    np.testing.assert_array_equal(picture[160, 128], SKIN[5])
    np.testing.assert_array_equal(picture[252, 128], CLOTHING[2])


def test_edges_are_smooth():
    """A drawing is an average over each pixel: small ones are the large ones shrunk, and edges have shades between."""
    factors = face_factors(4)
    large, small = draw_face(factors, 256).astype(float), draw_face(factors, 64).astype(float)
    shrunk = large.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - small).mean() < 2.0
    assert len(np.unique(small.reshape(-1, 3), axis=0)) > 200


def test_load_gives_labels_and_factors_of_its_images():
    train, test = kv.data.load("cartoon_faces", num_train=5, num_test=3, image_size=24, labels="glasses")
    assert train.images.shape == (5, 24, 24, 3) and test.images.shape == (3, 24, 24, 3)
    assert train.class_names == ("none", "round", "square", "sunglasses")
    np.testing.assert_array_equal(train.labels, train.factors["glasses"])
    assert list(train.factors) == list(train.factor_names) == list(FACTORS)
    for index, picture in enumerate(test.images):
        factors = {name: int(values[index]) for name, values in test.factors.items()}
        np.testing.assert_array_equal(picture, draw_face(factors, 24))
    first = train.first(2)
    np.testing.assert_array_equal(first.factors["skin"], train.factors["skin"][:2])
    assert first.factor_names == train.factor_names


def test_no_face_is_in_both_sets():
    train, test = kv.data.load("cartoon_faces", num_train=40, num_test=40, image_size=8)
    rows = [tuple(row) for faces in (train, test) for row in np.stack(list(faces.factors.values()), axis=1).tolist()]
    assert len(set(rows)) == 80


def test_an_image_set_refuses_factors_of_another_form():
    images, labels = np.zeros((2, 4, 4, 1), np.uint8), np.zeros(2, np.int64)
    with pytest.raises(ValueError, match=r"`factors\['hair'\]` must be int64 of shape \(2,\).*Received: int64 of .*1,"):
        kv.data.ImageSet(images, labels, factors={"hair": labels[:1]})


def test_a_folder_of_faces_holds_them_and_their_factors(tmp_path):
    folder = write_faces(tmp_path / "new" / "faces", 3, start=5, image_size=20, seed=2)
    names = [f"face_{index:07d}.png" for index in (5, 6, 7)]
    assert sorted(path.name for path in folder.iterdir()) == [*names, "factors.csv"]
    factors = kv.data.read_factors(folder, reversed(names))
    for index, name in zip((5, 6, 7), names, strict=True):
        with Image.open(folder / name) as image:
            np.testing.assert_array_equal(np.asarray(image), draw_face(face_factors(index, 2), 20))
        assert {factor: values[7 - index] for factor, values in factors.items()} == face_factors(index, 2)


def test_a_folder_that_holds_the_faces_is_left_as_it_is_and_another_is_mended(tmp_path):
    arguments = {"directory": tmp_path, "num_faces": 2, "image_size": 16}
    first, second = (write_faces(**arguments) / f"face_000000{i}.png" for i in (0, 1))
    first.write_bytes(first.read_bytes() + b"a mark")
    write_faces(**arguments)
    assert first.read_bytes().endswith(b"a mark")
    second.unlink()  # as if it had been interrupted
    write_faces(**arguments)
    assert second.is_file() and not first.read_bytes().endswith(b"a mark")
    write_faces(**{**arguments, "image_size": 24})
    with Image.open(second) as image:
        assert image.size == (24, 24)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_train": 0}, "`num_train` must be >= 1. Received: num_train=0"),
        ({"num_test": 1.5}, "`num_test` must be an integer. Received: num_test=1.5"),
        ({"image_size": 7}, "`image_size` must be >= 8. Received: image_size=7"),
        ({"seed": -1}, "`seed` must be >= 0. Received: seed=-1"),
        ({"labels": "hat"}, "`labels` must be one of .'background', .* Received: labels='hat'"),
        ({"size": 64}, "options of 'cartoon_faces' must be among .'num_train', .* Received: size=64"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        kv.data.load("cartoon_faces", **options)


def test_data_sets_without_options_refuse_them():
    with pytest.raises(ValueError, match="'digits' takes no options. Received: image_size=64"):
        kv.data.load("digits", image_size=64)


@pytest.mark.parametrize(
    ("factors", "error", "message"),
    [
        ({**PLAIN, "nose": 3}, ValueError, "`nose` must be < 3, .*'broad'.*. Received: nose=3"),
        ({**PLAIN, "nose": -1}, ValueError, "`nose` must be >= 0. Received: nose=-1"),
        ({"nose": 1, "hat": 0}, ValueError, "`factors` must have the keys .*missing .*'skin'.*, unknown .'hat'."),
        ([0] * 15, TypeError, "`factors` must be a dictionary, such as .*Received: factors=.*list"),
    ],
)
def test_factors_that_no_face_has_are_refused(factors, error, message):
    with pytest.raises(error, match=message):
        draw_face(factors)


def test_bad_numbers_of_faces_are_refused_before_a_folder_is_made(tmp_path):
    for arguments in ({"num_faces": 0}, {"num_faces": 1, "start": -1}, {"num_faces": 1, "image_size": 4}):
        with pytest.raises(ValueError, match="must be >= "):
            write_faces(tmp_path / "faces", **arguments)
    assert not (tmp_path / "faces").exists()
