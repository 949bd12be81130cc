"""Pictures during training: which files, in which epochs, and that TensorBoard reads them."""

import importlib
import io
import pathlib
import sys

import keras
import numpy as np
import pytest

import keras_vae as kv
from tests.callbacks.conftest import image_vae, images
from tests.models.conftest import small_vae


def names(directory):
    return sorted(path.name for path in pathlib.Path(directory).iterdir())


def opened(path):
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Three epochs with a picture in every second one, in files and for TensorBoard."""
    directory = tmp_path_factory.mktemp("run")
    vae = image_vae(run_eagerly=True)
    logger = kv.callbacks.ImageLogger(
        directory / "deep" / "pictures", log_dir=directory / "logs", x=images()[:12], num_samples=4, every_n_epochs=2
    )
    vae.fit(images(), epochs=4, verbose=0, callbacks=[logger])
    return vae, directory


@pytest.mark.soak
def test_files_are_named_by_picture_and_epoch(run):
    pictures = ("manifold", "reconstructions", "samples")
    assert names(run[1] / "deep" / "pictures") == [f"{name}_{epoch:04d}.png" for name in pictures for epoch in (2, 4)]


def test_the_last_files_show_the_trained_model(run, tmp_path):
    vae, directory = run
    x = images()[:10]
    for name, figure in (
        ("samples", kv.plots.samples(vae.generate(4, seed=0))),
        ("reconstructions", kv.plots.reconstructions(x, vae.reconstruct(x))),
        ("manifold", kv.plots.latent_manifold(vae)),
    ):
        figure.savefig(tmp_path / "expected.png")
        found = opened(directory / "deep" / "pictures" / f"{name}_0004.png")
        np.testing.assert_array_equal(found, opened(tmp_path / "expected.png"))


def test_tensorboard_reads_the_pictures(run):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from tensorboard.plugins.image import metadata
    from tensorboard.util.tensor_util import make_ndarray

    _, directory = run
    accumulator = accumulators.EventAccumulator(str(directory / "logs" / "images")).Reload()
    assert sorted(accumulator.Tags()["tensors"]) == ["manifold", "reconstructions", "samples"]
    expected = metadata.create_summary_metadata(display_name=None, description=None)
    for name in ("manifold", "reconstructions", "samples"):
        found = accumulator.SummaryMetadata(name)
        assert found.plugin_data == expected.plugin_data
        events = accumulator.Tensors(name)
        assert [event.step for event in events] == [1, 3]
        width, height, png = make_ndarray(events[-1].tensor_proto)
        picture = opened(directory / "deep" / "pictures" / f"{name}_0004.png")
        assert (int(height), int(width)) == picture.shape[:2]
        np.testing.assert_array_equal(opened(io.BytesIO(png)), picture)


def test_nothing_of_the_package_tensorboard_is_needed(run, tmp_path, monkeypatch):
    for name in ["tensorboard", *(name for name in sys.modules if name.startswith("tensorboard."))]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError):
        importlib.import_module("tensorboard")
    logger = kv.callbacks.ImageLogger(log_dir=tmp_path, num_samples=1)
    logger.set_model(run[0])
    logger.on_train_begin()
    logger.on_epoch_end(0)
    logger.on_train_end()
    (file,) = (tmp_path / "images").iterdir()
    assert b"PNG" in file.read_bytes()


def test_figures_of_ones_own_replace_the_three(run, tmp_path):
    codes = []

    def latent(vae):
        codes.append(vae.encode(images()[:5]))
        return kv.plots.latent_scatter(codes[-1])

    logger = kv.callbacks.ImageLogger(str(tmp_path), figures={"latent": latent})
    logger.set_model(run[0])
    logger.on_train_begin()
    assert names(tmp_path) == []
    logger.on_epoch_end(11)
    logger.on_train_end()
    assert names(tmp_path) == ["latent_0012.png"]
    assert len(codes) == 2


def test_a_model_of_vectors_wants_figures_of_its_own(tmp_path):
    logger = kv.callbacks.ImageLogger(tmp_path)
    logger.set_model(small_vae())
    with pytest.raises(
        ValueError, match="`figures` must be given for a model whose observations are not images: `images`"
    ):
        logger.on_train_begin()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"directory": None}, ValueError, "`directory` or `log_dir` must be given. Received: neither"),
        ({"every_n_epochs": 0}, ValueError, "`every_n_epochs` must be >= 1. Received: every_n_epochs=0"),
        ({"num_samples": 0}, ValueError, "`num_samples` must be >= 1. Received: num_samples=0"),
        ({"seed": 1.5}, ValueError, "`seed` must be an integer. Received: seed=1.5"),
        ({"figures": {}}, TypeError, "`figures` must map names to functions of the model, at least one. Received"),
        ({"figures": {"a": 1}}, TypeError, "`figures` must map names to functions of the model"),
        ({"figures": {"a/b": print}}, ValueError, "`figures` must have names that can begin a file's name. Received"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kv.callbacks.ImageLogger(**{"directory": "pictures", **arguments})


def test_what_cannot_be_drawn_or_written_is_refused_before_training(run, tmp_path):
    vae, before = run[0], run[0].get_weights()
    (tmp_path / "file").write_text("")
    refused = [
        (kv.callbacks.ImageLogger(tmp_path, x=255.0 * images()), ValueError, r"`x` must be in \[0, 1\]"),
        (kv.callbacks.ImageLogger(tmp_path / "file" / "below"), OSError, "The output directory must be writable"),
        (kv.callbacks.ImageLogger(log_dir=tmp_path / "file"), OSError, "The output directory must be writable"),
        (
            kv.callbacks.ImageLogger(tmp_path, figures={"mean": lambda vae: 0.0}),
            TypeError,
            r"`figures\['mean'\]` must return a matplotlib figure. Received: 0.0",
        ),
    ]
    for logger, error, message in refused:
        with pytest.raises(error, match=message):
            vae.fit(images(), epochs=1, verbose=0, callbacks=[logger])
    for now, then in zip(vae.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    logger = kv.callbacks.ImageLogger(tmp_path)
    logger.set_model(keras.Sequential())
    with pytest.raises(TypeError, match="`ImageLogger.model` must be a model of `keras_vae`. Received"):
        logger.on_train_begin()


def test_a_model_with_a_condition_is_drawn_under_the_conditions_of_x(tmp_path):
    x, labels = images()[:12], np.arange(12) % 3
    vae = small_vae(x.shape[1:], condition=kv.conditions.Labels(3))
    vae.compile("adam", run_eagerly=True)
    with pytest.raises(ValueError, match="`x` must be given with its condition"):
        vae.fit(x, labels, verbose=0, callbacks=[kv.callbacks.ImageLogger(tmp_path / "none")])
    vae.fit(x, labels, verbose=0, callbacks=[kv.callbacks.ImageLogger(tmp_path / "all", x=(x, labels), num_samples=6)])
    assert names(tmp_path / "all") == ["reconstructions_0001.png", "samples_0001.png"]
    expected = kv.plots.samples(vae.generate(6, labels[:6], seed=0), value_range=(0.0, 1.0))
    expected.savefig(tmp_path / "expected.png")
    np.testing.assert_array_equal(opened(tmp_path / "all" / "samples_0001.png"), opened(tmp_path / "expected.png"))
