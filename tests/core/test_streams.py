"""No two streams of noise of one seed share numbers, in a run that uses them all."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv
from keras_vae.core import Stream, fold_in, noise
from tests.models.conftest import small_vae

SEED = 11
GREY = np.random.default_rng(0).random((12, 6)).astype("float32")
SAMPLERS = ("stateless_normal", "stateless_uniform")


@pytest.fixture
def recorded(monkeypatch):
    """Run everything eagerly, and note the seed of every draw."""
    tf.config.run_functions_eagerly(True)
    draws = set()

    def note(seed):
        if tf.is_tensor(seed) and not hasattr(seed, "numpy"):  # within a graph
            tf.py_function(note, [seed], [])
        else:
            draws.add(tuple(np.asarray(seed).tolist()))

    def spied(original):
        def sample(shape, seed, *args, **kwargs):
            note(seed)
            return original(shape, seed, *args, **kwargs)

        return sample

    def bits(seed, counts):
        if int(tf.reduce_min(counts)) >= 0:  # draws; others derive seeds
            for row in np.asarray(seed):
                note(row)
        return bits_of_rows(seed, counts)

    bits_of_rows = noise._bits
    for module in (tf.random, tf.compat.v2.random):
        for name in SAMPLERS:
            monkeypatch.setattr(module, name, spied(getattr(module, name)))
    monkeypatch.setattr(noise, "_bits", bits)

    @contextlib.contextmanager
    def during(found, stage):
        draws.clear()
        yield
        found[stage] = set(draws)

    yield during
    tf.config.run_functions_eagerly(False)


def test_the_streams_of_a_run_share_no_numbers(recorded):
    keras.utils.set_random_seed(0)
    vae = small_vae(likelihood=kv.likelihoods.Gaussian((6,), scale="optimal"), seed=SEED)
    vae.compile("adam", run_eagerly=True)
    found, few = {}, GREY[:9]
    # A data set's functions are graphs in any case: these are the seeds that they are documented to draw with.
    found["order"] = {tuple(fold_in(SEED, Stream.ORDER, epoch).numpy()) for epoch in range(9)}
    places = [(epoch, step) for epoch in range(9) for step in range(9)]
    found["binarization"] = {tuple(fold_in(SEED, Stream.BINARIZATION, *place).numpy()) for place in places}
    with recorded(found, "training"):
        for start in range(0, 12, 4):
            vae.train_on_batch(GREY[start : start + 4])
    with recorded(found, "evaluation"):
        vae.test_on_batch(GREY)
    with recorded(found, "calibration"):
        vae.calibrate(GREY, batch_size=5)
    with recorded(found, "generation"):
        vae.generate(5, sample=True, seed=SEED)
    gaps = np.where(np.arange(6) % 2, few, np.nan)
    with recorded(found, "imputation"):
        vae.impute(gaps, num_samples=2, sample=True, num_imputations=2, seed=SEED)
    with recorded(found, "score"):
        vae.score(few, seed=SEED)
    for method, options in (("importance", {}), ("prior", {}), ("ais", {"num_steps": 2, "num_leapfrog_steps": 1})):
        with recorded(found, method):
            kv.evaluation.log_evidence(vae, few, 3, method, seed=SEED, **options)
    rehearsal = {}
    with recorded(rehearsal, "closed forms"):
        vae.infer(few[:1], seed=0)  # what is asked whether a closed form exists; its numbers are not used
    with recorded(found, "bound and aggregate"):
        kv.evaluation.evaluate_vae(vae, few, 3, elbo_samples=2, seed=SEED)
    found["bound and aggregate"] -= found["importance"] | rehearsal["closed forms"]  # the same estimate, on purpose
    with recorded(found, "simulation"):
        kv.evaluation.ais_sandwich(vae, 2, num_chains=2, num_steps=2, num_leapfrog_steps=1, seed=SEED)
    check = kv.callbacks.KLCrossCheck(few, num_samples=3, seed=SEED)
    check.set_model(vae)
    check.on_train_begin()
    with recorded(found, "cross-check"):
        for epoch in range(2):
            check.on_epoch_end(epoch, {})
    found["simulation"] -= found["ais"]  # chains up the path from the same places have the same moves
    stages = list(found)
    assert all(found.values())
    for number, stage in enumerate(stages):
        for other in stages[:number]:
            assert not found[stage] & found[other], f"{stage} and {other} share numbers"


def test_streams_have_numbers_of_their_own():
    assert len({int(stream) for stream in Stream}) == len(Stream)
    seeds = [tuple(fold_in(SEED, stream).numpy()) for stream in Stream]
    assert len(set(seeds)) == len(Stream)
