"""The Python programs of README and pages run as they stand, but for the number of images and epochs.

A page is one program. An HTML comment that begins with `setup` is part of it and is not shown to readers. A comment
before a block says why the block is left out: `theirs` is another package's code, `run:` names the test that runs it,
`elsewhere:` what it needs.
"""

import ast
import pathlib
import re

import numpy as np
import pytest

import keras_vae as kv
from tests.soaked import soaked

ROOT = pathlib.Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("saved_models/*/README.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"<!-- setup\n(.*?)-->|(?:<!-- (theirs|run: \w+|elsewhere: [^\n]*) -->\n)?```python\n(.*?)```", re.S)


def blocks(page):
    """Return pairs of the reason to leave a block out, if any, and its code."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [(reason, hidden or shown) for hidden, reason, shown in found]


def program(page, image_shape):
    """Return what a page runs, on images of a shape and for one epoch."""
    code = "\n".join(text for reason, text in blocks(page) if not reason)
    return re.sub(r"epochs=\d+", "epochs=1", code.replace("(28, 28, 1)", str(image_shape)))


WITH_CODE = [page for page in PAGES if any(not reason for reason, _ in blocks(page))]
QUICK = {"README.md", "parts.md"}


@pytest.fixture
def run(fashion, tmp_path, monkeypatch):
    """Run a page in an empty directory and return its variables."""
    few = tuple(images.first(100) for images in fashion)
    monkeypatch.setattr(kv.data, "load", lambda name: few)
    monkeypatch.setenv("KERAS_VAE_MODELS", str(ROOT / "saved_models"))
    monkeypatch.chdir(tmp_path)

    def run(page):
        found = {"kv": kv, "pathlib": pathlib}
        exec(compile(program(page, few[0].images.shape[1:]), page.name, "exec"), found)
        return found

    return run


@pytest.mark.parametrize(
    "page",
    soaked(WITH_CODE, quick=[page for page in WITH_CODE if page.name in QUICK]),
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_the_programs_of_a_page_run(page, run, tmp_path):
    found = run(page)
    if page.name == "README.md" and page.parent == ROOT:
        assert found["images"].shape[0] == 16 and found["z"].shape == (100, 16)
        assert (tmp_path / "fashion.keras").exists()
    if page.name == "data.md":
        assert set(np.unique(found["trousers"])) <= {0.0, 1.0}
        assert np.isfinite(found["log_p"]).all() and found["log_p"].shape == (10,)


def test_code_that_is_left_out_is_at_least_python():
    left_out = [code for page in PAGES for reason, code in blocks(page) if reason]
    assert len(left_out) > 5
    for code in left_out:
        ast.parse(code)


def test_an_error_in_a_page_is_found(run, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- setup\nn = 1\n-->\n```python\nn / 0\n```\n<!-- theirs -->\n```python\nunknown\n```\n")
    with pytest.raises(ZeroDivisionError):
        run(page)
