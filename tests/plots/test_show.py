"""A figure goes to its file, and to the notebook where there is one."""

import sys
import types

import numpy as np
import pytest

import keras_vae as kv


@pytest.fixture
def figure():
    return kv.plots.samples(np.zeros((4, 8, 8)))


@pytest.fixture
def displayed(monkeypatch):
    """Put a stand-in for a notebook's IPython in place; return what it was told to display."""
    shown = []
    package, screen = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    package.version_info = (9, 0)  # which matplotlib asks for
    package.get_ipython, package.display = object, screen
    screen.Image = lambda data, **options: (data, options)
    screen.display = shown.append
    monkeypatch.setitem(sys.modules, "IPython", package)
    monkeypatch.setitem(sys.modules, "IPython.display", screen)
    return shown


def test_a_script_gets_its_file_and_the_folders_above_it(figure, tmp_path):
    kv.plots.show(figure, tmp_path / "pictures" / "all" / "samples.png")
    assert (tmp_path / "pictures/all/samples.png").read_bytes().startswith(b"\x89PNG")


def test_a_notebook_displays_the_picture_with_or_without_a_file(figure, displayed, tmp_path):
    kv.plots.show(figure)
    kv.plots.show(figure, tmp_path / "samples.svg")
    assert (tmp_path / "samples.svg").exists()
    for data, options in displayed:
        assert data.startswith(b"\x89PNG")
        assert options == {"format": "png", "width": round(100 * figure.get_figwidth())}
    assert len(displayed) == 2


def test_ipython_that_was_imported_and_does_not_run_displays_nothing(figure, displayed):
    sys.modules["IPython"].get_ipython = lambda: None
    kv.plots.show(figure)
    assert not displayed
