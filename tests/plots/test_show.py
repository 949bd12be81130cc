"""A figure goes to its file, and to the notebook where there is one."""

import pickle
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
    package.get_ipython, package.display = lambda: types.SimpleNamespace(kernel=object()), screen
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


def test_a_figure_shows_itself_in_a_notebook(figure, displayed):
    figure.show()
    ((data, options),) = displayed
    assert data.startswith(b"\x89PNG")
    # What a notebook asks the last value of a cell for.
    assert figure._repr_png_() == (data, {"width": options["width"]})


def test_a_figure_opens_no_window_in_a_script_and_says_what_helps(figure):
    with pytest.warns(UserWarning, match=r"Plots open no window. Save the figure instead: figure.savefig"):
        figure.show()


@pytest.mark.filterwarnings("error")
def test_a_figure_can_be_shown_without_a_warning(figure):
    figure.show(warn=False)


def test_a_figure_survives_pickle(figure):
    again = pickle.loads(pickle.dumps(figure))
    assert again._repr_png_() == figure._repr_png_()


@pytest.mark.parametrize("shell", [None, object()], ids=["imported alone", "in a terminal"])
def test_ipython_without_a_notebook_displays_nothing(figure, displayed, shell):
    sys.modules["IPython"].get_ipython = lambda: shell
    kv.plots.show(figure)
    assert not displayed
