"""`keras-vae impute`: tables and images with their gaps filled in, and what is observed as it came."""

import csv
import re

import numpy as np
import pytest
from PIL import Image

import keras_vae as kv
from keras_vae_cli import main
from tests.cli.models import tiny

HEADER = ["height", "weight", "age"]
CELLS = [["1.5", "", "3"], ["NA", "-2.50", "0.25"], ["0", "1e-1", "2"], ["", "", ""]]


@pytest.fixture(scope="module")
def table_model(tmp_path_factory):
    """Return the path of a model of three numbers with gaps."""
    path = tmp_path_factory.mktemp("model") / "table.keras"
    tiny(kv.likelihoods.Gaussian((3,)), missing=True).save(path)
    return path


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("sample", [False, True])
def test_a_table_is_filled_and_its_numbers_stay_as_they_are_written(sample, table_model, tmp_path, capsys):
    table = write(tmp_path / "table.csv", [HEADER, *CELLS])
    command = ["impute", str(table_model), table, "--output", str(tmp_path / "filled.csv"), "--num-samples", "50"]
    assert main([*command, *["--sample"] * sample]) == 0
    assert "Filling 5 of 12 cells" in capsys.readouterr().out
    header, *found = read(tmp_path / "filled.csv")
    assert header == HEADER
    x = np.array([[np.nan if cell in ("", "NA") else float(cell) for cell in row] for row in CELLS])
    draws = {"sample": True, "num_imputations": 1} if sample else {}
    expected = kv.load_model(table_model).impute(x, num_samples=50, seed=0, **draws).reshape(x.shape)
    for cells, row, values in zip(CELLS, found, expected, strict=True):
        for cell, filled, value in zip(cells, row, values, strict=True):
            if cell in ("", "NA"):
                assert float(filled) == pytest.approx(value, rel=1e-5)
            else:
                assert filled == cell


def test_info_shows_what_the_encoder_gets(table_model, capsys):
    assert main(["info", str(table_model)]) == 0
    assert "6 → 8" in capsys.readouterr().out


@pytest.fixture
def holes(faces, tmp_path):
    """Return a folder of masks: black in the upper half."""
    (tmp_path / "holes").mkdir()
    for number in range(12):
        pixels = np.full((20, 16), 255, np.uint8)
        pixels[:10] = 0
        Image.fromarray(pixels).save(tmp_path / "holes" / f"face{number:02}.png")
    return tmp_path / "holes"


def test_images_are_filled_where_the_mask_is_black(colour, faces, holes, tmp_path, capsys):
    folder, images = faces
    outputs = [tmp_path / "filled", tmp_path / "filled.npy", tmp_path / "filled.png"]
    command = ["impute", str(colour), str(folder), "--mask", str(holes), "--num-samples", "20"]
    assert main([*command, *(word for path in outputs for word in ("--output", str(path)))]) == 0
    assert "Filling 50% of the pixels of 12 images; values grey, in [0, 1]" in capsys.readouterr().out
    filled = np.load(outputs[1])
    np.testing.assert_allclose(filled[:, 10:], images[:, 10:] / 255, atol=1e-6)
    assert np.abs(filled[:, :10] - images[:, :10] / 255).max() > 0.1
    with Image.open(outputs[0] / "face03.png") as image:
        np.testing.assert_array_equal(np.asarray(image)[10:], images[3, 10:])
    assert len(list(outputs[0].iterdir())) == 12 and outputs[2].stat().st_size > 1000


def test_a_broken_image_is_refused_or_left_out(colour, faces, holes, tmp_path, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(3):
        content = (faces[0] / f"face{number:02}.png").read_bytes()
        (photos / f"face{number:02}.png").write_bytes(content if number else b"no image")
    command = ["impute", str(colour), str(photos), "--mask", str(holes), "--num-samples", "5"]
    command += ["--output", str(tmp_path / "x.npy")]
    assert main(command) == 2
    assert capsys.readouterr().err.endswith(". --broken-files skip continues without it\n")
    assert main([*command, "--broken-files", "skip"]) == 0
    assert len(np.load(tmp_path / "x.npy")) == 2


def test_one_image_has_a_mask_of_any_name(colour, faces, holes, tmp_path):
    (tmp_path / "hole.png").write_bytes((holes / "face00.png").read_bytes())
    command = ["impute", str(colour), str(faces[0] / "face05.png"), "--mask", str(tmp_path / "hole.png")]
    assert main([*command, "--num-samples", "5", "--output", str(tmp_path / "one.npy")]) == 0
    np.testing.assert_allclose(np.load(tmp_path / "one.npy")[0, 10:], faces[1][5, 10:] / 255, atol=1e-6)


REFUSED = {
    "no table": ("no.csv", ["x.csv"], None, "No such file: "),
    "a mask of a table": ("table.csv", ["x.csv"], "holes", "`--mask` must be left out for a table: leave cells empty"),
    "an output that is no table": ("table.csv", ["x.png"], None, "`--output` must end in .csv"),
    "no mask": ("faces", ["x"], None, "`--mask` must be given for images. Received: none"),
    "a mask that is not there": ("faces", ["x"], "nowhere/", "No such file or folder: "),
    "words": ("words.csv", ["x.csv"], None, "`DATA` must hold numbers and gaps below its header. Received: .* line 3"),
    "a short line": ("short.csv", ["x.csv"], None, "`DATA` must have 3 cells in each line, .* Received: 2 in line 2"),
    "no lines": ("empty.csv", ["x.csv"], None, "`DATA` must have a header and at least one line of numbers"),
    "other columns": ("wide.csv", ["x.csv"], None, "`DATA` must have as many columns as .* Received: 4 columns"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_is_reported_in_one_line_and_nothing_is_written(case, table_model, faces, holes, tmp_path, capsys):
    data, outputs, mask, message = REFUSED[case]
    for name, rows in {
        "table.csv": [HEADER, *CELLS],
        "words.csv": [HEADER, CELLS[0], ["1", "tall", "3"]],
        "short.csv": [HEADER, ["1", "2"]],
        "empty.csv": [HEADER],
        "wide.csv": [[*HEADER, "shoe"], [*CELLS[0], "1"]],
    }.items():
        write(tmp_path / name, rows)
    source = faces[0] if data == "faces" else tmp_path / data
    command = ["impute", str(table_model), str(source)]
    command += [word for path in outputs for word in ("--output", str(tmp_path / path))]
    command += [] if mask is None else ["--mask", str(holes) if mask == "holes" else mask]
    assert main(command) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1
    assert re.search(message, errors[0]), errors
    assert not any((tmp_path / path).exists() for path in outputs)


def test_a_mask_that_lacks_an_image_is_named(colour, faces, holes, tmp_path, capsys):
    (holes / "face07.png").unlink()
    command = ["impute", str(colour), str(faces[0]), "--mask", str(holes), "--output", str(tmp_path / "x")]
    assert main(command) == 2
    assert (
        "`--mask` must have an image for each of DATA. Received: none with the name 'face07'" in capsys.readouterr().err
    )
