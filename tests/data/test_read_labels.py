"""Classes of images in a folder: from a table, or from the folders that they are in."""

import numpy as np
import pytest

import keras_vae as kv


def table(folder, text):
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    return folder


def test_a_table_names_the_classes_whatever_the_order_of_its_rows_and_columns(tmp_path):
    table(tmp_path, "label,photographer,file\nshoe,Ann,b.png\nbag,Bob,a.png\nhat,Ann,c/d.png\n")
    labels, names = kv.data.read_labels(tmp_path, ["a.png", "b.png"])
    np.testing.assert_array_equal(labels, [0, 2])
    assert (labels.dtype, names) == (np.int64, ("bag", "hat", "shoe"))


def test_whole_numbers_are_in_their_order(tmp_path):
    labels, names = kv.data.read_labels(table(tmp_path, "file,label\na,10\nb,9\n"), ["a", "b"])
    assert names == ("9", "10")
    np.testing.assert_array_equal(labels, [1, 0])


def test_folders_are_classes_where_all_images_are_in_two_or_more(tmp_path):
    for name in ("cats", "dogs/small", "birds", ".git"):
        (tmp_path / name).mkdir(parents=True)
    labels, names = kv.data.read_labels(tmp_path, ["dogs/small/1.png", "cats/1.png", "cats/2.png"])
    assert names == ("birds", "cats", "dogs")  # a part of the images has the same numbers as all of them
    np.testing.assert_array_equal(labels, [2, 1, 1])
    assert kv.data.read_labels(tmp_path, ["cats/1.png", "2.png"]) is None
    assert kv.data.read_labels(tmp_path, []) is None
    (tmp_path / "one" / "cats").mkdir(parents=True)
    assert kv.data.read_labels(tmp_path / "one", ["cats/1.png"]) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\nb.png,1\n", "labels.csv' must have a row for each image, .* Received: none for 'a.png'"),
        ("name,label\na.png,1\n", "labels.csv' must be a table in UTF-8 with the columns 'file' and 'label'"),
        ("file,label\na.png,\n", "labels.csv' must have a label in each row. Received: none for 'a.png'"),
    ],
)
def test_a_table_that_does_not_suit_is_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        kv.data.read_labels(table(tmp_path, text), ["a.png"])
