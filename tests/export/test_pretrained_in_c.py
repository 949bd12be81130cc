"""The models in saved_models/ answer in a C program, without Python, as their Keras files do."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.export import models, run_c
from tests.soaked import soaked

ROOT = pathlib.Path(kv.__file__).parents[1]
EXPORTS = sorted(ROOT.glob("saved_models/*/[0-9]*/"))


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The C program."""
    return run_c.build(tmp_path_factory.mktemp("program"))


def test_every_pretrained_model_is_exported():
    names = {path.parent.name for path in ROOT.glob("saved_models/*/model.keras")}
    assert {path.parent.name for path in EXPORTS} == names >= {"fashion_mnist_2d", "fashion_mnist_16d", "cartoon_faces"}


@pytest.mark.parametrize(
    "path",
    soaked(EXPORTS, quick=[path for path in EXPORTS if path.parent.name == "fashion_mnist_2d"]),
    ids=lambda path: path.parent.name,
)
def test_every_signature_answers_in_c_as_keras_does(path, program, tmp_path):
    vae = kv.load_model(path.parent / "model.keras")
    told = kv.export.read_metadata(path)
    images = models.pixels(vae, 3)
    low, high = told["image_range"]
    given = models.request(vae, 3) | {"x": (low + images / 255 * (high - low)).astype("float32")}
    requests = [
        (name, {each: given[each] for each in told["signatures"][name]["inputs"]}) for name in told["signatures"]
    ]
    in_c = zip(requests, run_c.ask(program, path, requests, tmp_path / "requests"), strict=True)
    for (name, inputs), answer in in_c:
        expected = generated(path, inputs) if name == "generate" else models.answer(vae, name, given)
        assert set(answer) == set(expected) == set(told["signatures"][name]["outputs"])
        for key, value in expected.items():
            np.testing.assert_allclose(answer[key], value, rtol=1e-5, atol=1e-5, err_msg=f"{name}: {key}")


def generated(path, inputs):
    """Return what TensorFlow answers in Python: no verb of Keras's takes a seed for each row."""
    answer = tf.saved_model.load(path).signatures["generate"](seed=tf.constant(inputs["seed"]))
    return {name: value.numpy() for name, value in answer.items()}
