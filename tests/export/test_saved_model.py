"""Exported models answer as Keras does, in Python and in a C program without Python, each row by itself."""

import functools

import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.export import models, run_c
from tests.soaked import soaked

BRIEF = ("conv", "Labels")  # the others are left to the soak; the same code makes their signatures
cases = pytest.mark.parametrize(
    ("model", "signature"), soaked(models.CASES, quick=[case for case in models.CASES if case[0] in BRIEF])
)
all_models = pytest.mark.parametrize("model", soaked(models.MODELS, quick=BRIEF))
SIZES = (0, 1, 7)


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """Return a function from a model's name to the model and the path of its export, which is made once."""
    folder, settings = tmp_path_factory.mktemp("exports"), {"colour": {"image_range": (-1, 1)}}

    @functools.cache
    def export(name):
        vae = models.make(name)
        return vae, kv.export.saved_model(vae, folder / name, **settings.get(name, {}))

    return export


@pytest.fixture(scope="module")
def loaded(exports):
    """Return a function from a model's name to its signatures, loaded by TensorFlow in Python."""
    return functools.cache(lambda name: tf.saved_model.load(exports(name)[1]).signatures)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The C program."""
    return run_c.build(tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="module")
def answers(exports, program, tmp_path_factory):
    """Return a function from a model's name to what the C program answers, by signature and number of rows."""
    folder = tmp_path_factory.mktemp("answers")

    @functools.cache
    def ask(name):
        vae, path = exports(name)
        keys = [(signature, size) for signature in models.SIGNATURES[name] for size in SIZES]
        given = {size: models.request(vae, size) for size in SIZES}
        inputs = {key: value["inputs"] for key, value in kv.export.read_metadata(path)["signatures"].items()}
        inputs["serving_default"] = inputs["reconstruct"]
        requests = [(signature, {each: given[size][each] for each in inputs[signature]}) for signature, size in keys]
        return dict(zip(keys, run_c.ask(program, path, requests, folder / name), strict=True))

    return ask


def call(signature, given, rows=slice(None)):
    """Ask a signature in Python for some rows."""
    names = signature.structured_input_signature[1]
    inputs = {name: tf.constant(given[name][rows]) for name in names if name != "image_bytes"}
    if "image_bytes" in names:
        content = given["image_bytes"][rows]
        inputs["image_bytes"] = tf.constant(content, tf.string, shape=[len(content)])
    return {name: value.numpy() for name, value in signature(**inputs).items()}


@pytest.mark.parametrize("model", soaked(["conv", "hierarchy"], quick=["conv"]))
def test_the_c_program_finds_the_signatures_that_the_metadata_tell(model, exports, program):
    found = run_c.signatures(program, exports(model)[1])
    assert set(found) == set(models.SIGNATURES[model])
    told = kv.export.read_metadata(exports(model)[1])["signatures"]
    assert found.pop("serving_default") == found["reconstruct"]
    for name, signature in found.items():
        for side in ("input", "output"):
            expected = {key: (each["dtype"], each["shape"]) for key, each in told[name][f"{side}s"].items()}
            assert signature[side] == expected


@cases
def test_the_c_program_answers_as_keras_does(model, signature, exports, answers, loaded):
    vae, _ = exports(model)
    given = models.request(vae, 7)
    if signature == "generate":  # Keras has no verb with a seed a row: what it decodes is tested below
        expected = call(loaded(model)["generate"], given)
    else:
        expected = models.answer(vae, signature, given)
    answer = answers(model)[signature, 7]
    assert set(answer) == set(expected)
    for name, value in expected.items():
        assert answer[name].shape == value.shape
        np.testing.assert_allclose(answer[name], value, rtol=1e-5, atol=1e-5)


@cases
def test_any_number_of_rows_is_a_batch(model, signature, answers):
    sizes = {size: answers(model)[signature, size] for size in SIZES}
    for name, value in sizes[7].items():
        assert sizes[0][name].shape == (0, *value.shape[1:])
        assert sizes[1][name].shape == (1, *value.shape[1:])


@cases
def test_a_row_depends_on_nothing_but_its_own_request(model, signature, exports, loaded):
    given = models.request(exports(model)[0], 7)
    together = call(loaded(model)[signature], given)
    backwards = call(loaded(model)[signature], given, slice(None, None, -1))
    alone = call(loaded(model)[signature], given, slice(3, 4))
    for name, value in together.items():
        np.testing.assert_allclose(backwards[name][::-1], value, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(alone[name], value[3:4], rtol=1e-5, atol=1e-6)


@all_models
def test_a_seed_is_an_image(model, exports, loaded):
    vae, path = exports(model)
    seed = np.array([[1, 2], [1, 2], [2, 1], [1, 3], [0, 0]], np.int32)
    given = {"seed": seed}
    if vae.condition is not None:
        given["condition"] = np.repeat(models.request(vae, 1)["condition"], 5, axis=0)
    images = call(loaded(model)["generate"], given)["mean"]
    np.testing.assert_array_equal(images[0], images[1])
    pairs = [(one, other) for one in range(1, 5) for other in range(one) if (one, other) != (1, 0)]
    different = [np.abs(images[one] - images[other]).max() > 1e-4 for one, other in pairs]
    # The most probable categories of two codes may agree; means do not.
    assert any(different) if vae.likelihood.integer_valued else all(different)
    again = tf.saved_model.load(path).signatures["generate"]
    np.testing.assert_array_equal(call(again, given)["mean"], images)


def test_the_standard_normal_is_drawn_by_the_seeds_noise(exports, loaded):
    vae, _ = exports("conv")
    seed = tf.constant([[5, 6], [7, 8]])
    z = kv.core.standard_normal([2, 3], kv.core.fold_in(seed, 0), tf.float32)
    np.testing.assert_allclose(call(loaded("conv")["generate"], {"seed": seed})["mean"], vae.decode(z), atol=1e-6)


def test_scores_average_to_what_evaluate_says(exports, loaded):
    vae, _ = exports("conv")
    x = models.observations(vae, models.pixels(vae, 500))
    seed = np.stack([np.arange(500), np.zeros(500)], axis=1).astype("int32")
    scores = call(loaded("conv")["score"], {"x": x, "seed": seed})
    vae.compile("adam")
    expected = vae.evaluate(x, verbose=0, return_dict=True)
    assert scores["rate"].mean() == pytest.approx(expected["kl_loss"], rel=1e-5)  # the closed form has no noise
    error = scores["distortion"].std() / np.sqrt(500)
    assert abs(scores["distortion"].mean() - expected["reconstruction_loss"]) < 6 * error
    np.testing.assert_allclose(scores["elbo"], -scores["rate"] - scores["distortion"], rtol=1e-6)


def test_a_plain_autoencoder_has_a_distortion_and_no_rate(loaded):
    assert set(loaded("autoencoder")["score"].structured_outputs) == {"distortion"}
    assert set(loaded("autoencoder")["encode"].structured_outputs) == {"mean", "scale"}


@pytest.mark.parametrize("model", soaked(["conv", "colour"], quick=["conv"]))
def test_jpeg_files_are_read_as_tensorflow_reads_them(model, exports, loaded):
    vae, _ = exports(model)
    content = [tf.io.encode_jpeg(image).numpy() for image in models.pixels(vae, 3)]
    x = models.observations(vae, np.stack([tf.io.decode_jpeg(each).numpy() for each in content]))
    answer = call(loaded(model)["reconstruct_bytes"], {"image_bytes": content})
    np.testing.assert_allclose(answer["reconstruction"], vae.reconstruct(x), atol=1e-5)


@pytest.mark.soak
def test_a_grey_file_serves_a_colour_model_and_a_colour_file_a_grey_one(exports, loaded):
    grey = np.full((5, 4, 1), 200, np.uint8)
    expected = exports("colour")[0].reconstruct(np.full((1, 5, 4, 3), 200 / 127.5 - 1, np.float32))
    answer = call(loaded("colour")["reconstruct_bytes"], {"image_bytes": [tf.io.encode_png(grey).numpy()]})
    np.testing.assert_allclose(answer["reconstruction"], expected, atol=1e-5)
    white = [tf.io.encode_png(np.full((8, 6, 3), 255, np.uint8)).numpy()]
    answer = call(loaded("conv")["reconstruct_bytes"], {"image_bytes": white})
    expected = exports("conv")[0].reconstruct(np.ones((1, 8, 6, 1), np.float32))
    np.testing.assert_allclose(answer["reconstruction"], expected, atol=1e-5)


BAD = {
    "another size": ("reconstruct_bytes", r"PNG or JPEG files of 8 x 6 pixels. Received: height, width.*6 8"),
    "no image": ("reconstruct_bytes", "Images must be PNG or JPEG files"),
    "half an image": ("reconstruct_bytes", "PNG"),
    "8-bit values": (
        "serving_default",
        r"`x` must be in \[0, 1\] for the likelihood Bernoulli. Divide 8-bit images by 255",
    ),
    "a NaN": ("encode", "`x` must be finite"),
    "a seed too few": ("score", "`seed` must have a row for each row of the observations"),
}


def bad_request(kind, given):
    """Spoil a request."""
    if kind == "another size":
        return {"image_bytes": [tf.io.encode_png(np.zeros((6, 8, 1), np.uint8)).numpy()]}
    if kind == "a seed too few":
        return {"x": given["x"], "seed": given["seed"][1:]}
    if "image" in kind:
        return {"image_bytes": [b"not an image" if kind == "no image" else given["image_bytes"][0][:40]]}
    return {"x": given["x"] * (255 if kind == "8-bit values" else np.nan)}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_request_is_refused_in_words(kind, exports, loaded):
    signature, message = BAD[kind]
    given = bad_request(kind, models.request(exports("conv")[0], 2))
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call(loaded("conv")[signature], given)


def test_a_row_of_nan_changes_no_other_row(exports, loaded):
    z = models.request(exports("conv")[0], 3)["z"]
    good = call(loaded("conv")["decode"], {"z": z})["mean"]
    z[1] = np.nan
    found = call(loaded("conv")["decode"], {"z": z})["mean"]
    np.testing.assert_array_equal(found[[0, 2]], good[[0, 2]])
    assert np.isnan(found[1]).any()


def test_the_c_program_hands_on_what_a_signature_refuses(exports, program, tmp_path):
    vae, path = exports("conv")
    signature, message = BAD["8-bit values"]
    with pytest.raises(RuntimeError, match=message):
        run_c.ask(program, path, [(signature, {"x": models.request(vae, 2)["x"] * 255})], tmp_path / "requests")
    with pytest.raises(RuntimeError, match="reconstruct needs the input x"):
        run_c.ask(program, path, [("reconstruct", {"y": np.zeros((1, 8, 6, 1), np.float32)})], tmp_path / "others")


def test_the_c_program_says_what_is_no_model(program, tmp_path):
    done = run_c.run(program, tmp_path)
    assert done.returncode == 1
    assert f"{tmp_path}: Could not find SavedModel" in done.stderr
