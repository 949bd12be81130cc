"""Encoder and decoder run in LiteRT and in ONNX Runtime as in Keras, and what cannot be converted is refused."""

import importlib
import pathlib
import re

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

import keras_vae as kv
from keras_vae.core import standard_normal
from keras_vae.export.encoder_decoder import _Half
from tests import contract
from tests.export import models

FORMATS = {"litert": ".tflite", "onnx": ".onnx"}
formats = pytest.mark.parametrize("form", FORMATS)


def run(path, inputs):
    """Run a file in its format's runtime."""
    if path.suffix == ".tflite":
        return Interpreter(str(path)).get_signature_runner()(**inputs)
    session = onnxruntime.InferenceSession(path)
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, inputs), strict=True))


def export(form, vae, path, **options):
    return getattr(kv.export, form)(vae, path, **options)


# The guide's program converts the other one.
CONVERTED = [(model, form) for model in models.MODELS if model != "categories" for form in FORMATS]
QUICK = [("conv", "litert"), ("conv", "onnx"), ("hierarchy", "litert"), ("autoencoder", "onnx"), ("Labels", "onnx")]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(case, marks=() if case in QUICK else pytest.mark.soak, id="-".join(case)) for case in CONVERTED
    ],
)
def converted(request, tmp_path_factory):
    """A model, and the directory and suffix of its files."""
    model, form = request.param
    vae = models.make(model)
    return vae, export(form, vae, tmp_path_factory.mktemp(model) / form), FORMATS[form]


@pytest.fixture(scope="module")
def small():
    return models.make("autoencoder")


@pytest.mark.parametrize("rows", [1, 5])
def test_encoder_and_decoder_equal_keras(converted, rows):
    vae, path, suffix = converted
    given = models.request(vae, rows)
    signatures = kv.export.read_metadata(path)["signatures"]
    for half, signature in (("encoder", "encode"), ("decoder", "decode")):
        inputs = {name: given[name] for name in signatures[signature]["inputs"]}
        found, expected = run(path / f"{half}{suffix}", inputs), models.answer(vae, signature, given)
        assert set(found) == set(expected)
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-4)


def test_the_metadata_tell_what_the_files_take_and_answer(converted):
    vae, path, suffix = converted
    record = kv.export.read_metadata(path)
    assert record["files"] == [f"decoder{suffix}", f"encoder{suffix}"]
    assert record["event_shape"] == list(vae.event_shape)
    given, sizes = models.request(vae, 2), record["signatures"]
    for half, signature in (("encoder", "encode"), ("decoder", "decode")):
        found = run(path / f"{half}{suffix}", {name: given[name] for name in sizes[signature]["inputs"]})
        assert {name: [None, *value.shape[1:]] for name, value in found.items()} == {
            name: spec["shape"] for name, spec in sizes[signature]["outputs"].items()
        }


def test_a_damaged_file_is_found(small, tmp_path):
    file = kv.export.onnx(small, tmp_path / "onnx") / "decoder.onnx"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ValueError, match="decoder.onnx' must be as it was written"):
        kv.export.read_metadata(file.parent)


def test_the_mean_of_a_continuous_bernoulli_is_exact_near_one_half_in_onnx(tmp_path):
    # exp(a) - 1 loses what counts there, which is why tf2onnx is taught another form of it.
    vae = kv.VAE(
        encoder=keras.layers.Flatten(),
        posterior=kv.posteriors.DiagonalGaussian(64),
        decoder=keras.layers.Identity(),
        likelihood=kv.likelihoods.ContinuousBernoulli((64,), projection=None),
    )
    z = np.concatenate([-np.geomspace(1e-6, 30, 32), np.geomspace(1e-6, 30, 32)])[None]
    path = kv.export.onnx(vae, tmp_path / "onnx")
    expected = 1 / (1 - np.exp(-z)) - 1 / z  # Loaiza-Ganem & Cunningham 2019, section 3.2, in the logits
    expected[np.abs(z) < 1e-3] = 0.5 + z[np.abs(z) < 1e-3] / 12
    found = run(path / "decoder.onnx", {"z": z.astype("float32")})["mean"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_the_batch_axis_of_onnx_has_a_name_and_options_reach_the_exporter(small, tmp_path):
    path = kv.export.onnx(small, tmp_path / "onnx", opset_version=17)
    model = onnx.load(path / "encoder.onnx")
    assert model.opset_import[0].version == 17
    for tensor in [*model.graph.input, *model.graph.output]:
        assert tensor.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_litert_can_store_weights_in_eight_bits(tmp_path):
    vae = kv.VAE(
        encoder=keras.layers.Identity(),
        posterior=kv.posteriors.DiagonalGaussian(2),
        decoder=kv.networks.MLPDecoder((64,)),
        likelihood=kv.likelihoods.Bernoulli((512,)),
    )
    file = kv.export.litert(vae, tmp_path / "small", optimizations=[tf.lite.Optimize.DEFAULT]) / "decoder.tflite"
    z = np.float32([[0.5, -1.0]])
    np.testing.assert_allclose(run(file, {"z": z})["mean"], vae.decode(z), atol=0.02)
    weights = 2 * 64 + 64 + 64 * 512 + 512
    assert weights < file.stat().st_size < 2 * weights


class Quantile(keras.layers.Layer):
    """A decoder of an operation that no other format has."""

    def call(self, z):
        return tf.math.ndtri(tf.sigmoid(z))


@formats
def test_an_operation_that_the_format_lacks_is_named_and_nothing_is_written(form, tmp_path):
    vae = kv.VAE(
        encoder=keras.layers.Flatten(),
        posterior=kv.posteriors.DiagonalGaussian(4),
        decoder=Quantile(),
        likelihood=kv.likelihoods.Bernoulli((4,)),
    )
    with pytest.raises(ValueError, match=r"The decoder must have operations that .* has\. Received: \['Ndtri'\]"):
        export(form, vae, tmp_path / "out")
    assert not list(tmp_path.iterdir())


@formats
def test_noise_cannot_be_converted(form, small, tmp_path):
    # The guide says so, and why: seeds are hashed by operations on 64 bits.
    seed = tf.TensorSpec([None, 2], tf.int32, name="seed")
    half = _Half(small, lambda seed: {"eps": standard_normal([3, 2], seed, tf.float32)}, (seed,), name="noise")
    with pytest.raises(ValueError, match=r"The noise must have operations that .* has\. Received: .*'BitwiseXor'"):
        importlib.import_module(f"keras_vae.export.{form}")._write(half, tmp_path / f"noise{FORMATS[form]}")


def test_an_operation_in_a_loop_is_named(small, tmp_path):
    content = tf.TensorSpec([None], tf.string, name="image_bytes")

    def image(content):
        return tf.ensure_shape(tf.io.decode_image(content, 1, tf.float32, expand_animations=False), [8, 6, 1])

    def images(image_bytes):
        return {"x": tf.map_fn(image, image_bytes, fn_output_signature=tf.float32)}

    half = _Half(small, images, (content,), name="images")
    with pytest.raises(ValueError, match="The images must have operations that ONNX has. Received: .*'DecodeImage'"):
        importlib.import_module("keras_vae.export.onnx")._write(half, tmp_path / "images.onnx")


@formats
def test_mixed_precision_is_refused(form, tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    vae = contract.build("conv")
    with pytest.raises(ValueError, match=r"must compute in float32 .* Received: layers that compute in \['bfloat16'\]"):
        export(form, vae, tmp_path / "out")


@formats
def test_what_is_there_is_not_overwritten(form, small, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(FileExistsError, match="`path` must be a directory that is not there yet. Received: '.*out'"):
        export(form, small, tmp_path / "out")
    with pytest.raises(TypeError, match="`vae` must be a model of keras_vae. Received: vae=3"):
        export(form, 3, tmp_path / "new")


def test_the_program_in_the_guide_runs(tmp_path, monkeypatch):
    guide = (pathlib.Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"<!-- run: formats -->\n```python\n(.*?)```", guide, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    vae = models.make("categories")
    results = {"vae": vae}
    exec(program, results)
    given = models.request(vae, 3)
    for name, path in (("images", "fashion_onnx/encoder.onnx"), ("same_images", "fashion_litert/encoder.tflite")):
        np.testing.assert_allclose(results[name], vae.decode(results["z"]), atol=1e-4)
        found = run(tmp_path / path, {"x": given["x"]})
        for key, value in models.answer(vae, "encode", given).items():
            np.testing.assert_allclose(found[key], value, rtol=0, atol=1e-4)


@formats
def test_a_policy_that_was_set_after_the_model_was_made_changes_nothing(form, small, tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    path = export(form, small, tmp_path / form) / f"encoder{FORMATS[form]}"
    x = models.request(small, 3)["x"]
    np.testing.assert_allclose(run(path, {"x": x})["mean"], small.encode(x), rtol=1e-4, atol=1e-5)
