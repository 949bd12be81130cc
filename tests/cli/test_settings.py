"""Settings and their file: what contradicts itself is refused, and what is written is read again as it was."""

import dataclasses
import tomllib

import pytest

from keras_vae_cli import main
from keras_vae_cli.command import Mistake
from keras_vae_cli.config_file import read_settings, read_words, write_config
from keras_vae_cli.resolution import resolved
from keras_vae_cli.settings import Settings

CHOSEN = (
    {},
    {"likelihood": "gaussian", "scale": 0.1, "architecture": "mlp", "units": (5, 4)},
    {"likelihood": "categorical", "num_categories": 17, "prior": "vamp", "batch_normalization": True},
    {"objective": "iwelbo", "gradient": "dreg", "prior": "gaussian_mixture", "num_components": 3, "limit": 9},
    {"beta": 4.0, "beta_schedule": "sigmoid", "beta_epochs": 2.5, "free_bits": 0.1, "learning_rate": 1e-7},
)


def settings_of(**chosen):
    return Settings(**{"dataset": "digits", **chosen})


def test_defaults_follow_from_the_other_settings():
    plain = resolved(settings_of())
    assert (plain.binarize, plain.filters, plain.units, plain.kl) == ("dynamic", (32, 64), None, "closed_form")
    assert (plain.num_samples, plain.scale, plain.num_components, plain.gradient) == (1, None, None, None)
    other = resolved(settings_of(likelihood="gaussian", architecture="mlp", prior="vamp", objective="iwelbo"))
    assert (other.binarize, other.filters, other.units, other.kl) == ("none", None, (500, 500), None)
    assert (other.num_samples, other.scale, other.num_components, other.gradient) == (50, "optimal", 500, "plain")
    assert resolved(settings_of(prior="gaussian_mixture")).kl == "monte_carlo"


@pytest.mark.parametrize("chosen", CHOSEN)
def test_a_config_file_is_read_as_it_was_written_by_both_readers(tmp_path, chosen):
    settings = resolved(settings_of(**chosen))
    write_config(settings, tmp_path / "config.toml")
    assert read_settings(tmp_path / "config.toml") == settings
    assert resolved(settings) == settings
    values = tomllib.loads((tmp_path / "config.toml").read_text())
    assert values == {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in dataclasses.asdict(settings).items()
        if value is not None
    }
    words = read_words(tmp_path / "config.toml")
    assert words["seed"] == "0"
    assert words.get("units", "5,4") == "5,4"
    assert float(words["learning_rate"]) == settings.learning_rate


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"units": (5,)}, "`--units` must be left out except for --architecture mlp. Received: 5"),
        ({"architecture": "mlp", "filters": (8, 4)}, "`--filters` must be left out except for .* Received: 8,4"),
        ({"architecture": "mlp", "batch_normalization": True}, "`--batch-normalization` must be left out"),
        ({"scale": 0.5}, "`--scale` must be left out except for --likelihood gaussian"),
        ({"num_categories": 3}, "`--num-categories` must be left out except for --likelihood categorical"),
        ({"likelihood": "gaussian", "binarize": "fixed"}, "`--binarize` must be left out except for"),
        ({"num_components": 3}, "`--num-components` must be left out except for --prior gaussian_mixture or vamp"),
        ({"prior": "vamp", "kl": "closed_form"}, "`--kl` must be monte_carlo for --prior vamp"),
        ({"free_bits": 0.1, "kl": "monte_carlo"}, "`--free-bits` must be left out with --kl monte_carlo"),
        ({"gradient": "dreg"}, "`--gradient` must be left out except for --objective iwelbo"),
        ({"objective": "iwelbo", "beta": 2.0}, "must be left out with --objective iwelbo"),
        ({"beta_epochs": 2.0}, "`--beta-epochs` must be left out except for a --beta-schedule"),
        ({"beta_schedule": "linear"}, "must come with one of --beta-epochs and --beta-steps. Received: neither"),
        ({"beta_schedule": "linear", "beta_epochs": 1.0, "beta_steps": 2}, "Received: both"),
        ({"image_size": (8,)}, "`--image-size` must be left out except for a folder or cartoon_faces"),
        ({"dataset": "cartoon_faces", "image_size": (8, 9)}, "must be a square's for cartoon_faces. Received: 8,9"),
        ({"dataset": "./", "image_size": (8, 9, 3)}, "must be a side, or height,width. Received: 8,9,3"),
        ({"dataset": "./", "limit": 3}, "`--limit` must be left out except for a data set with a name"),
        ({"dataset": "no/folder"}, "No such folder: 'no/folder'"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(chosen, message):
    with pytest.raises(Mistake, match=message):
        resolved(settings_of(**chosen))


def test_differences_are_named_and_the_number_of_epochs_is_none():
    one, other = settings_of(seed=1, filters=(8, 4), epochs=3), settings_of(filters=(8,), epochs=4)
    assert one.differences(other) == ["--filters 8,4 and not 8", "--seed 1 and not 0"]
    assert one.differences(dataclasses.replace(one, epochs=9)) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("latent_dims = 3", "`--config` must have known keys; the nearest is 'latent_dim'. Received: 'latent_dims'"),
        ("batch-size = 3", "the nearest is 'batch_size'. Received: 'batch-size'"),
        ("[model]\nlatent_dim = 3", "Received: 'model'"),
        ("seed = {a = 1}", "`seed` in "),
        ("filters = ['a']", "`filters` in "),
        ("latent_dim = 2.5", "`--latent-dim` must be "),
        ("latent_dim = true", "`--latent-dim` must be "),
        ("latent_dim = 0", "`--latent-dim` must be "),
        (
            "prior = 'vamps'",
            "`--prior` must be one of 'standard_normal', 'gaussian_mixture', 'vamp'. Did you mean 'vamp'?",
        ),
        ("filters = [8, 0]", "'8,0' is not whole numbers above 0 with commas between them"),
        ("scale = 'best'", "'best' is neither a number nor one of learned, optimal, per_dimension"),
        ("likelihood = 'gaussian'\nscale = -1", "-1 is not > 0"),
        ("latent_dim = ", "`--config` must be a TOML file. Received: "),
        (None, "`--config` must be a file. Received: "),
    ],
)
def test_a_mistake_in_a_config_file_is_reported_in_one_line_before_anything_starts(tmp_path, capsys, text, message):
    config = tmp_path / "config.toml"
    if text is not None:
        config.write_text(f"{text}\ndataset = 'digits'\n" if not text.startswith("[") else text)
    assert main(["train", "--config", str(config), "--output", str(tmp_path / "run")]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("keras-vae: ")
    assert message in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_data_set_is_asked_for_where_neither_the_command_nor_the_file_names_one(tmp_path, capsys):
    (tmp_path / "config.toml").write_text("seed = 1\n")
    assert main(["train", "--config", str(tmp_path / "config.toml"), "--output", str(tmp_path / "run")]) == 2
    assert "`DATASET` is missing." in capsys.readouterr().err
