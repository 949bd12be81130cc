"""Verbs are compiled once and answer small inputs at once."""

import time

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from tests.models.conftest import binary, small_vae

SHAPE = (28, 28, 1)
TRUNKS = {
    "dense": lambda: (kv.networks.MLPEncoder((500, 500)), kv.networks.MLPDecoder((500, 500))),
    "convolutional": lambda: (kv.networks.ConvEncoder((32, 64)), kv.networks.ConvDecoder((64, 32))),
}


def verbs(vae, n):
    x = np.random.default_rng(0).integers(0, 2, (n, *vae.event_shape)).astype("float32")
    z = np.zeros((n, vae.latent_dim), "float32")
    return {
        "encode": lambda: vae.encode(x),
        "decode": lambda: vae.decode(z),
        "reconstruct": lambda: vae.reconstruct(x),
        "generate": lambda: vae.generate(n, seed=0),
    }


def median_seconds(function, *, rounds=10, calls=20):
    """Return the median of the best round: other work on the machine is not what is measured."""
    medians = []
    for _ in range(rounds):
        times = []
        for _ in range(calls):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
        medians.append(np.median(times))
    return min(medians)


@pytest.mark.soak  # it measures time
@pytest.mark.parametrize("kind", TRUNKS)
def test_one_image_takes_at_most_three_milliseconds(kind):
    encoder, decoder = TRUNKS[kind]()
    vae = small_vae(SHAPE, 16, encoder=encoder, decoder=decoder)
    image = np.zeros((1, *SHAPE), "float32")
    vae.predict(image, verbose=0)
    # On a machine that is busy with other things everything takes longer, `predict` too.
    limit = max(3e-3, median_seconds(lambda: vae.predict(image, verbose=0), rounds=2, calls=5) / 10)
    for name, verb in verbs(vae, 1).items():
        verb()
        assert median_seconds(verb) < limit, name


def test_a_verb_is_traced_once_for_all_numbers_of_examples():
    vae = small_vae()
    for n in (1, 5, 300):
        for verb in verbs(vae, n).values():
            verb()
    counts = {
        key.split()[0]: function.experimental_get_tracing_count() for key, function in vae._run.verbs.graphs.items()
    }
    assert len(counts) == len(vae._run.verbs.graphs)
    assert counts == dict.fromkeys(counts, 1)


def test_no_rows_at_all_are_refused():
    with pytest.raises(ValueError, match=r"must hold at least one row. Received: shape \(0, 2\)"):
        small_vae().decode(np.zeros((0, 2)))


def test_a_model_that_runs_eagerly_answers_the_same_and_shows_a_debugger_every_number():
    class Watched(keras.layers.Dense):
        def call(self, inputs):
            eager.append(tf.executing_eagerly())
            return super().call(inputs)

    eager, vae = [], small_vae(encoder=Watched(4), decoder=Watched(4))
    x = binary(5)
    functions = {**verbs(vae, 5), "score": lambda: vae.score(x, seed=0), "predict": lambda: vae.predict(x, verbose=0)}
    as_graphs = {name: verb() for name, verb in functions.items()}
    assert eager and not any(eager)
    vae.compile("adam", run_eagerly=True)
    eager.clear()
    for name, verb in functions.items():
        found = verb()
        assert eager and all(eager), name
        tf.nest.map_structure(
            lambda one, two: np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-6), as_graphs[name], found
        )
        eager.clear()
