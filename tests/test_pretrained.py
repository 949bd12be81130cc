"""Pretrained models: three places, in order, and an error that names them all."""

import pathlib

import numpy as np
import pytest

import keras_vae as kv
from keras_vae import pretrained


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Return the path of a tiny model."""
    path = tmp_path_factory.mktemp("model") / "model.keras"
    kv.VAE(
        encoder=kv.networks.MLPEncoder((4,)),
        posterior=kv.posteriors.DiagonalGaussian(2),
        decoder=kv.networks.MLPDecoder((4,)),
        likelihood=kv.likelihoods.Bernoulli((3, 3, 1)),
        seed=0,
    ).save(path)
    return path


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Set up the three places, empty, and return the directory around them."""
    monkeypatch.setenv("KERAS_VAE_MODELS", str(tmp_path / "named"))
    monkeypatch.setattr(pretrained, "__file__", str(tmp_path / "checkout" / "keras_vae" / "pretrained.py"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def put(directory, file):
    directory.mkdir(parents=True)
    (directory / "model.keras").write_bytes(file.read_bytes())


def test_the_three_places_are_looked_at_in_order(places, file):
    in_order = (places / "named", places / "here" / "saved_models", places / "checkout" / "saved_models")
    for place in reversed(in_order):
        put(place / "small", file)
        assert kv.pretrained.find("small").resolve() == place / "small"
    put(in_order[2] / "other", file)
    assert sorted(kv.pretrained.available()) == ["other", "small"]
    assert kv.pretrained.find("other") == in_order[2] / "other"


def test_a_model_is_loaded_by_its_name(places, file):
    put(places / "named" / "small", file)
    vae = kv.load_pretrained("small")
    assert isinstance(vae, kv.VAE)
    np.testing.assert_array_equal(vae.generate(3, seed=0), kv.load_model(file).generate(3, seed=0))


def test_an_unknown_name_is_told_with_all_places_and_all_names(places, file):
    with pytest.raises(FileNotFoundError, match="`name` must be a pretrained model: there is none. Looked in: "):
        kv.load_pretrained("large")
    put(places / "here" / "saved_models" / "small", file)
    put(places / "named" / "tiny", file)
    with pytest.raises(FileNotFoundError) as caught:
        kv.load_pretrained("large")
    assert str(caught.value) == (
        "`name` must be a pretrained model: 'tiny', 'small'. "
        f"Looked in: $KERAS_VAE_MODELS ({places / 'named'}); ./saved_models (a directory); "
        f"the source checkout's {places / 'checkout' / 'saved_models'} (not there). Received: name='large'"
    )


def test_a_variable_that_is_not_set_is_said(places, monkeypatch):
    monkeypatch.delenv("KERAS_VAE_MODELS")
    with pytest.raises(FileNotFoundError, match=r"\$KERAS_VAE_MODELS \(not set\)"):
        kv.pretrained.find("small")


@pytest.mark.parametrize("name", ["", ".", "..", "small/../small", "/etc"])
def test_only_names_are_names(places, file, name):
    put(places / "named" / "small", file)
    with pytest.raises(FileNotFoundError, match="`name` must be a pretrained model: 'small'"):
        kv.load_pretrained(name)


def test_a_broken_file_is_named(places, file):
    put(places / "named" / "small", file)
    (places / "named" / "small" / "model.keras").write_bytes(b"PK no model")
    with pytest.raises(ValueError, match="named/small/model.keras"):
        kv.load_pretrained("small")


def test_every_model_in_the_checkout_has_a_card():
    checkout = pathlib.Path(__file__).parents[1] / "saved_models"
    models = [path.parent for path in checkout.glob("*/model.keras")]
    assert [model.name for model in models if not (model / "README.md").is_file()] == []
