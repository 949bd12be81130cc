"""The training history as a picture, from what `fit` returns or from its file."""

import keras
import numpy as np
import pytest

import keras_vae as kv
from tests.plots.helpers import rendered, words

KEYS = ("loss", "elbo", "reconstruction_loss", "kl_loss")


@pytest.fixture
def run():
    generator = np.random.default_rng(0)
    return {key: generator.normal(size=4).tolist() for name in KEYS for key in (name, f"val_{name}")}


def lines(figure):
    return [
        {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.get_lines()}
        for axes in figure.axes
    ]


def test_each_quantity_has_a_panel_with_training_and_validation_in_nats(run):
    figure = kv.plots.history(run, title="digits")
    epochs = [1, 2, 3, 4]
    for panel, key in zip(lines(figure), KEYS, strict=True):
        assert panel == {"training": (epochs, run[key]), "validation": (epochs, run[f"val_{key}"])}
    for axes, key in zip(figure.axes, KEYS, strict=True):
        assert axes.get_title(loc="left").startswith(key)
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "nats per example")
    assert {"digits", "training", "validation"} <= set(words(figure))
    assert rendered(figure).shape[1] == 1170


def test_the_file_and_the_object_of_a_run_show_what_its_mapping_shows(run, tmp_path):
    logger = keras.callbacks.CSVLogger(str(tmp_path / "history.csv"))
    logger.set_model(keras.Sequential())
    logger.on_train_begin()
    for epoch in range(4):
        logger.on_epoch_end(epoch, {key: values[epoch] for key, values in run.items()})
    logger.on_train_end()
    history = keras.callbacks.History()
    history.history = run
    expected = lines(kv.plots.history(run))
    assert lines(kv.plots.history(tmp_path / "history.csv")) == expected
    assert lines(kv.plots.history(str(tmp_path / "history.csv"))) == expected
    assert lines(kv.plots.history(history)) == expected


def test_epochs_are_whole_even_where_there_is_only_one():
    for epochs in (1, 2, 3):
        figure = kv.plots.history({"loss": [1.0] * epochs})
        figure.canvas.draw()
        low, high = figure.axes[0].get_xlim()
        ticks = [tick for tick in figure.axes[0].get_xticks() if low <= tick <= high]
        assert ticks == list(range(1, epochs + 1))


def test_only_what_was_logged_has_a_panel(run):
    figure = kv.plots.history({key: run[key] for key in ("loss", "reconstruction_loss", "kl_loss")})
    assert [list(panel) for panel in lines(figure)] == [["training"]] * 3


def test_several_runs_have_a_colour_each_and_validation_is_dashed(run):
    other = {key: [value + 1.0 for value in run[key]] for key in ("elbo", "val_elbo")}
    figure = kv.plots.history({"closed form": run, "Monte Carlo": other})
    assert [len(axes.get_lines()) for axes in figure.axes] == [2, 4, 2, 2]
    elbo = figure.axes[1].get_lines()
    names = ["closed form", "closed form, validation", "Monte Carlo", "Monte Carlo, validation"]
    assert [line.get_label() for line in elbo] == names
    for line, series in zip(elbo, (run["elbo"], run["val_elbo"], other["elbo"], other["val_elbo"]), strict=True):
        assert list(line.get_ydata()) == series
    colours = [line.get_color() for line in elbo]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    assert [line.get_linestyle() for line in elbo] == ["-", "--", "-", "--"]
    # One that lies below another shows on both sides of it.
    assert elbo[0].get_linewidth() > elbo[2].get_linewidth()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == names


def test_twenty_runs_have_twenty_colours():
    figure = kv.plots.history({str(number): {"loss": [number, number]} for number in range(20)})
    assert len({line.get_color() for line in figure.axes[0].get_lines()}) == 20


def test_forty_runs_leave_room_for_their_lines(run):
    figure = kv.plots.history({f"a run with number {number}": run for number in range(40)})
    rendered(figure)
    assert all(axes.get_window_extent().height > 200 for axes in figure.axes)
    assert figure.legends[0].get_window_extent().y0 >= 0 and figure.legends[0].get_window_extent().x0 >= 0


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"accuracy": [1.0]}, ValueError, r"`run` must hold epochs of at least one of .* Received: \['accuracy'\]"),
        ({"loss": []}, ValueError, "`run` must hold epochs"),
        ({"loss": [1.0], "elbo": [1.0, 2.0]}, ValueError, r"one value an epoch .* Received: lengths \[1, 2\]"),
        ({"a": {"loss": [1.0]}, "b": {"loss": []}}, ValueError, "`run` must hold epochs"),
        ({"a": {"loss": [1.0]}, "b": [1.0]}, ValueError, "`run` must be what `fit` returns.* Received: list"),
        ([1.0], ValueError, "`run` must be what `fit` returns.* Received: list"),
        ("no/such/file.csv", FileNotFoundError, "no/such/file.csv"),
    ],
)
def test_what_is_no_history_is_refused(wrong, error, message):
    with pytest.raises(error, match=message):
        kv.plots.history(wrong)


def test_no_plot_touches_pyplots_state(run):
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    kv.plots.history(run)
    kv.plots.samples(np.zeros((2, 4, 4)))
    kv.plots.latent_scatter(np.zeros((2, 2)))
    assert pyplot.get_fignums() == before
