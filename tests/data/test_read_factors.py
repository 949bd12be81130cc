"""Tables beside images: one for all, or one for each as in Google's Cartoon Set."""

import re

import numpy as np
import pytest

import keras_vae as kv


def test_one_table_for_all_is_read_in_the_order_asked_for(tmp_path):
    (tmp_path / "factors.csv").write_text("file,hair,glasses\na.png,3,0\nb/c.png,1,2\n")
    factors = kv.data.read_factors(tmp_path, ("b/c.png", "a.png", "b/c.png"))
    assert {name: values.tolist() for name, values in factors.items()} == {"hair": [1, 3, 1], "glasses": [2, 0, 2]}
    assert factors["hair"].dtype == np.int64


def test_a_table_for_each_image_is_read(tmp_path):
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "cs1.csv").write_text('"face_shape", 4, 7\n"glasses", 11, 12\n')
    (tmp_path / "cs2.csv").write_text('"face_shape", 0, 7\n"glasses", 3, 12\n\n')
    factors = kv.data.read_factors(str(tmp_path), ["0/cs1.png", "cs2.png"])
    assert {name: values.tolist() for name, values in factors.items()} == {"face_shape": [4, 0], "glasses": [11, 3]}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("file,hair\nb.png,1\n", "factors.csv' must have a row for each image, .* Received: none for 'a.png'"),
        ("name,hair\na.png,1\n", "factors.csv' must have a row for each image, under 'file' .* none for 'a.png'"),
        ("file,hair\na.png,long\n", "factors.csv' must be a table of whole numbers. Received: .*'long'"),
        ("file,hair,skin\na.png,1\n", "factors.csv' must be a table of whole numbers. Received: .*None"),
        ("file,hair\na.png,1,2\n", "factors.csv' must be a table of whole numbers. Received: "),
        ("", "factors.csv' must have a row for each image"),
    ],
)
def test_a_broken_table_is_named(tmp_path, table, message):
    (tmp_path / "factors.csv").write_text(table)
    with pytest.raises(ValueError, match=message):
        kv.data.read_factors(tmp_path, ["a.png"])


def test_a_broken_table_of_one_image_is_named(tmp_path):
    (tmp_path / "a.csv").write_text('"glasses"\n')
    with pytest.raises(ValueError, match="a.csv' must be a table of whole numbers"):
        kv.data.read_factors(tmp_path, ["a.png"])
    (tmp_path / "a.csv").write_text('"glasses", 1, 2\n')
    (tmp_path / "b.csv").write_text('"hair", 1, 2\n')
    with pytest.raises(ValueError, match="same factors. Received: .'glasses'. for 'a.png', .'hair'. for 'b.png'"):
        kv.data.read_factors(tmp_path, ["a.png", "b.png"])


def test_images_without_tables_are_refused(tmp_path):
    message = f"{re.escape(repr(str(tmp_path)))} must hold the table 'factors.csv'.* neither that nor 'a.csv'"
    with pytest.raises(FileNotFoundError, match=message):
        kv.data.read_factors(tmp_path, ["a.png"])
    with pytest.raises(ValueError, match="`files` must name at least one image. Received: none"):
        kv.data.read_factors(tmp_path, [])
