"""What all priors share."""

import numpy as np
import pytest
import tensorflow as tf

import keras_vae as kv

DIM = 2


def vamp_prior(dtype):
    """A VampPrior that is called as a layer: its posterior is handed over as in a model."""
    prior = kv.priors.VampPrior(3, x_shape=(5,), dtype=dtype)
    posterior = kv.posteriors.DiagonalGaussian(DIM, dtype=dtype)
    return lambda z: prior(z, posterior_of=lambda x: posterior.distribution(posterior(x)))


PRIORS = {
    "standard_normal": lambda dtype: kv.priors.StandardNormal(dtype=dtype),
    "gaussian_mixture": lambda dtype: kv.priors.GaussianMixture(3, dtype=dtype),
    "vamp_prior": vamp_prior,
}


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("kind", PRIORS)
def test_log_prob_is_float32_under_mixed_precision_whatever_precision_z_has(kind, policy):
    prior = PRIORS[kind](policy)
    for dtype in ("float32", policy.removeprefix("mixed_")):
        log_prob = prior(tf.fill([4, DIM], tf.constant(300.0, dtype)))  # its square is infinite in float16
        assert log_prob.dtype == tf.float32
        assert np.all(np.isfinite(log_prob))
