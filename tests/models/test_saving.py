"""Saving and loading: equal outputs, training that goes on, trunks of the user's own, and files of every version."""

import pathlib
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest

import keras_vae as kv
from tests.models.conftest import binary, small_vae
from tests.models.residual import Residual

FILES = pathlib.Path(__file__).parent / "files"


def run_python(code, *arguments, timeout=120):
    """Run a script in a process of its own and return what it printed."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def image_model():
    return small_vae(
        (9, 7, 2),
        encoder=kv.networks.ConvEncoder((4, 8), batch_normalization=True),
        decoder=kv.networks.ConvDecoder((8, 4), batch_normalization=True),
        likelihood=kv.likelihoods.Gaussian((9, 7, 2), scale="optimal"),
        objective=kv.objectives.ELBO(beta=kv.schedules.SigmoidSchedule(0, 1, midpoint=3, width=1.0), free_bits=0.1),
    )


def sequence_model():
    return small_vae(
        (5, 3), posterior=kv.posteriors.FullCovarianceGaussian(3), likelihood=kv.likelihoods.Categorical((5, 3), 4)
    )


def functional_model():
    x = keras.Input((6,))
    hidden = keras.layers.Dense(8, activation="relu")(x)
    encoder = keras.Model(x, keras.layers.Concatenate()([hidden, x]))
    return small_vae(
        encoder=encoder, decoder=keras.Sequential([keras.layers.Dense(8), keras.layers.Dropout(0.1, seed=1)])
    )


def autoencoder():
    return small_vae(
        posterior=kv.posteriors.Deterministic(2),
        objective=kv.objectives.Reconstruction(),
        likelihood=kv.likelihoods.ContinuousBernoulli((6,)),
    )


def subclassed_model():
    return small_vae(encoder=Residual(8), decoder=Residual(8))


MODELS = {
    "image": (image_model, lambda: binary(32, (9, 7, 2))),
    "sequence": (sequence_model, lambda: np.random.default_rng(0).integers(0, 4, (32, 5, 3))),
    "functional_and_sequential_trunks": (functional_model, lambda: binary(32)),
    "subclassed_trunks": (subclassed_model, lambda: binary(32)),
    "vector_autoencoder": (autoencoder, lambda: binary(32)),
}


QUICK = ("image",)


@pytest.fixture(params=[QUICK, pytest.param([kind for kind in MODELS if kind not in QUICK], marks=pytest.mark.soak)])
def saved(request, tmp_path):
    """Train a model of each kind for an epoch and save it; then one fresh process loads them all and goes on."""
    folder, trained = tmp_path, {}
    for kind in request.param:
        make, data = MODELS[kind]
        x, vae = data(), make()
        vae.compile("adam", jit_compile=False, run_eagerly=kind in QUICK)
        vae.fit(x, batch_size=8, epochs=1, verbose=0)
        vae.save(folder / f"{kind}.keras")
        np.save(folder / f"{kind}.npy", x)
        trained[kind] = vae, x
    run_python(
        """
        import sys, pathlib, keras, numpy as np
        import keras_vae, tests.models.residual
        for path in sorted(pathlib.Path(sys.argv[1]).glob("*.keras")):
            vae, x = keras.models.load_model(path), np.load(path.with_suffix(".npy"))
            outputs = {"encode": vae.encode(x), "reconstruct": vae.reconstruct(x), "generate": vae.generate(3, seed=7)}
            outputs["evaluate"] = np.array(vae.evaluate(x, verbose=0))
            vae.fit(x, batch_size=8, epochs=2, initial_epoch=1, verbose=0)
            np.savez(path.with_suffix(".npz"), **outputs)
            vae.save_weights(path.with_suffix(".weights.h5"))
        """,
        folder,
    )
    return folder, trained


def test_a_fresh_process_loads_the_model_and_goes_on_as_if_it_had_not_been_saved(saved):
    folder, trained = saved
    for kind, (vae, x) in trained.items():
        assert_went_on(kind, vae, x, folder)


def assert_went_on(kind, vae, x, folder):
    outputs = np.load(folder / f"{kind}.npz")
    np.testing.assert_allclose(outputs["encode"], vae.encode(x), atol=1e-6)
    np.testing.assert_allclose(outputs["reconstruct"], vae.reconstruct(x), atol=1e-6)
    np.testing.assert_allclose(outputs["generate"], vae.generate(3, seed=7), atol=1e-6)
    np.testing.assert_allclose(outputs["evaluate"], vae.evaluate(x, verbose=0), rtol=1e-6)

    if kind.startswith("functional"):  # Keras saves no position of a Dropout's seed: the loaded one begins anew
        vae.decoder.layers[-1].seed_generator.state.assign([1, 0])
    vae.fit(x, batch_size=8, epochs=2, initial_epoch=1, verbose=0)
    other = MODELS[kind][0]()
    other.compile("adam")
    other.load_weights(folder / f"{kind}.weights.h5")
    for one, resumed in zip(vae.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(resumed, one, atol=1e-6)
    assert int(other.optimizer.iterations) == int(vae.optimizer.iterations) == 8


def test_weights_alone_load_into_a_model_of_the_same_parts(tmp_path):
    x = binary(32)
    one, other = small_vae(), small_vae()
    one.compile("adam")
    one.fit(x, verbose=0)
    one.save_weights(tmp_path / "one.weights.h5")
    other.load_weights(tmp_path / "one.weights.h5")  # never built, never compiled
    np.testing.assert_array_equal(other.reconstruct(x), one.reconstruct(x))


def test_weights_in_several_files_load(tmp_path):
    one, other = small_vae(seed=0), small_vae(seed=0)
    one.save_weights(tmp_path / "one.weights.json", max_shard_size=1)
    other.load_weights(tmp_path / "one.weights.json")
    x = binary(3)
    np.testing.assert_array_equal(other.reconstruct(x), one.reconstruct(x))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.weights.json", "one_00000.weights.h5"]


@pytest.mark.parametrize("name", ["model.h5", "model.hdf5"])
def test_a_format_that_would_not_load_again_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match="`filepath` must end in `.keras`. Received: .*" + name):
        small_vae().save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.keras"
    vae = small_vae()
    vae.compile("adam")
    vae.save(path)
    good = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("keras.src.saving.saving_lib._save_state", fail)
    with pytest.raises(OSError, match="No space left"):
        vae.save(path)
    assert path.read_bytes() == good
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.keras"]


def test_a_file_of_a_later_format_is_refused():
    config = {**small_vae().get_config(), "format_version": 99}
    with pytest.raises(ValueError, match=r"`format_version` must be <= \d+ .* Upgrade keras_vae. Received: .*99"):
        kv.VAE.from_config(config)


@pytest.mark.parametrize("path", sorted(FILES.glob("*.keras")), ids=lambda path: path.stem)
def test_files_of_every_format_version_load_for_ever(path):
    expected = np.load(path.with_suffix(".npz"))
    vae = keras.models.load_model(path)
    np.testing.assert_allclose(vae.reconstruct(expected["x"]), expected["reconstruction"], atol=1e-6)
    np.testing.assert_allclose(vae.evaluate(expected["x"], verbose=0), expected["evaluation"], rtol=1e-5)
    assert vae.optimizer.iterations.numpy() == expected["iterations"]


def test_there_is_a_file_of_the_current_format_version():
    assert (FILES / f"format_{kv.core.FORMAT_VERSION}.keras").exists()
