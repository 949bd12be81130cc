"""The README's program runs as it stands, but for the number of images and epochs."""

import pathlib
import re

import numpy as np

import keras_vae as kv

README = pathlib.Path(__file__).parents[1] / "README.md"


def test_the_programs_in_the_readme_run(fashion, tmp_path, monkeypatch):
    program = "\n".join(re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL))
    few = tuple(images.first(200) for images in fashion)
    size = fashion[0].images.shape[1:]
    program = program.replace("(28, 28, 1)", str(size)).replace("epochs=20", "epochs=1")
    monkeypatch.setattr(kv.data, "load", lambda name: few)
    monkeypatch.chdir(tmp_path)
    results = {}
    exec(program, results)
    assert results["images"].shape == (16, *size)
    assert results["z"].shape == (100, 16)
    assert set(np.unique(results["trousers"])) <= {0.0, 1.0}
    assert (tmp_path / "fashion.keras").exists()


def test_every_picture_and_link_in_the_readme_is_there():
    links = re.findall(r"\]\(((?!http)[^)#]+)(?:#[^)]*)?\)", README.read_text(encoding="utf-8"))
    assert len(links) >= 5
    missing = [link for link in links if not (README.parent / link).exists()]
    assert not missing


def test_every_section_of_the_derivations_that_the_readme_points_to_is_there():
    anchors = re.findall(r"\(docs/derivations\.md#([^)]+)\)", README.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", (README.parent / "docs/derivations.md").read_text(encoding="utf-8"), re.M)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert len(anchors) >= 6
    assert set(anchors) <= slugs
