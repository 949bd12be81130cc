"""What `log_evidence` refuses, and the messages."""

import keras
import numpy as np
import pytest

import keras_vae as kv
from keras_vae.evaluation import log_evidence
from tests.evaluation.test_log_evidence import MODEL, X, binary, hierarchy, small_vae
from tests.linear_gaussian import linear_vae


@pytest.fixture(scope="module")
def wide():
    """Return the exact model with a posterior that does not matter."""
    return linear_vae(MODEL, kv.posteriors.FullCovarianceGaussian)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_samples": 0}, "`num_samples` must be >= 1. Received: num_samples=0"),
        ({"num_samples": 2.5}, "`num_samples` must be an integer. Received: num_samples=2.5"),
        ({"method": "magic"}, "`method` must be one of .*'importance', 'prior', 'ais'.* Received: method='magic'"),
        ({"batch_size": 0}, "`batch_size` must be >= 1. Received: batch_size=0"),
        ({"seed": -1}, "`seed` must be >= 0. Received: seed=-1"),
        ({"method": "ais", "num_steps": 0}, "`num_steps` must be >= 1. Received: num_steps=0"),
        ({"method": "ais", "num_leapfrog_steps": 0}, "`num_leapfrog_steps` must be >= 1"),
        ({"method": "ais", "start": "end"}, "`start` must be one of .* Received: start='end'"),
        ({"x": X[0]}, "`x` must have shape \\(batch, 4\\)"),
        ({"x": X[:0]}, "`x` must hold at least one example"),
        ({"x": np.full((2, 4), np.nan)}, "`x` must be finite"),
    ],
)
def test_bad_arguments_are_refused(wide, arguments, message):
    with pytest.raises(ValueError, match=message):
        log_evidence(wide, **{"x": X, **arguments})


def test_values_outside_of_the_support_are_refused():
    with pytest.raises(ValueError, match="`x` must be in \\[0, 1\\] for the likelihood Bernoulli"):
        log_evidence(small_vae(kv.likelihoods.Bernoulli((5,))), np.full((2, 5), 255))


def test_a_model_without_a_density_is_refused():
    plain = linear_vae(MODEL, kv.posteriors.Deterministic, objective=kv.objectives.Reconstruction())
    with pytest.raises(ValueError, match="must have a posterior with a density.* Received: a posterior Deterministic"):
        log_evidence(plain, X)


def test_what_is_no_model_of_ours_is_refused():
    with pytest.raises(TypeError, match="`vae` must be a model of `keras_vae`. Received"):
        log_evidence(keras.Sequential([keras.layers.Dense(2)]), X)


def test_the_start_of_a_hierarchys_path_is_its_prior():
    with pytest.raises(ValueError, match='`start` must be "prior" for a model of several levels'):
        log_evidence(hierarchy(), binary(2, 5), method="ais", start="posterior")
