"""The commands of docs/command_line.md run as they stand, one after the other, on fewer images."""

import pathlib
import re
import shlex

import numpy as np
import pytest
from PIL import Image

import keras_vae as kv
from keras_vae_cli import main
from keras_vae_cli.app import app
from tests.cli.models import tiny

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "command_line.md"


def commands():
    """Return the words of each command in the page's shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.strip()]


@pytest.fixture
def few(tmp_path, monkeypatch):
    """Make a directory with photos, their masks and a table the current one, and data sets small."""
    load = kv.data.load

    def of_few(name, **options):
        train, test = load(name, **(options | ({"num_train": 32, "num_test": 8} if name == "cartoon_faces" else {})))
        return train.first(40), test.first(8)

    monkeypatch.setattr(kv.data, "load", of_few)
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for folder, shape in (("photos", (60, 48, 3)), ("holes", (60, 48))):
        (tmp_path / folder).mkdir()
        for number in range(40):
            pixels = generator.integers(0, 256, shape, np.uint8)
            Image.fromarray(pixels if folder == "photos" else pixels // 128 * 255).save(
                tmp_path / folder / f"{number:03}.png"
            )
    (tmp_path / "table.csv").write_text("height,weight,age\n1.5,,3\n0.5,2,NA\n", encoding="utf-8")
    tiny(kv.likelihoods.Gaussian((3,)), missing=True).save(tmp_path / "table.keras")


def test_the_page_has_every_command_and_its_table_too():
    shown = {words[1] for words in commands()}
    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert shown == names
    for name in names:
        assert re.search(rf"^\| \[`{name}`\]\(#[\w-]+\) \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.soak
def test_all_commands_of_the_page_run_in_their_order(few):
    assert len(commands()) > 20
    for words in commands():
        assert words[0] == "keras-vae"
        assert main(words[1:]) == 0, shlex.join(words)
