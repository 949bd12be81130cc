"""A conditional model whose evidence is exact: linear, Gaussian, with an offset for each label.

p(z) = N(0, I), p(x|z, c) = N(W z + b_c, s^2 I). Hence p(x|c) = N(b_c, W W^T + s^2 I), and p(z|x, c) is Gaussian, of the
mean S W^T (x - b_c) / s^2 and the covariance S = (I + W^T W / s^2)^-1 (Bishop 2006, section 12.2).
"""

import keras
import numpy as np
import scipy.stats

import keras_vae as kv
from tests.linear_gaussian import LinearGaussian

CLASSES, SIZE, LATENT = 3, 4, 2
MODEL = LinearGaussian.draw(SIZE, LATENT, orthogonal=True)
OFFSETS = np.random.default_rng(5).normal(0.0, 2.0, (CLASSES, SIZE))


def draw(n, seed=0):
    """Draw observations and their labels."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, CLASSES, n)
    noise = generator.normal(size=(n, SIZE)) @ np.linalg.cholesky(MODEL.marginal.cov).T
    return (OFFSETS[labels] + noise).astype("float32"), labels


def log_evidence(x, labels):
    """Return log p(x|c), exactly."""
    marginals = [scipy.stats.multivariate_normal(offset, MODEL.marginal.cov) for offset in OFFSETS]
    return np.array([marginals[label].logpdf(row) for row, label in zip(x, labels, strict=True)])


def conditional_vae(*, exact=True, seed=0, **parts):
    """Make a VAE of that form, with the exact weights or with weights to be trained."""
    z, c = keras.Input((LATENT,)), keras.Input((CLASSES,))
    mean = keras.layers.Dense(SIZE, name="mean")(keras.layers.Concatenate()([z, c]))
    settings = {
        "encoder": keras.layers.Concatenate(),
        "posterior": kv.posteriors.DiagonalGaussian(LATENT),
        "decoder": keras.Model([z, c], mean),
        "likelihood": kv.likelihoods.Gaussian((SIZE,), scale=MODEL.scale, projection=None),
        "condition": kv.conditions.Labels(CLASSES),
        "seed": seed,
    }
    vae = kv.VAE(**{**settings, **parts})
    vae.build()
    if exact:
        vae.decoder.set_weights([np.concatenate([MODEL.weights.T, OFFSETS]), np.zeros(SIZE)])
        slope = MODEL.posterior_covariance @ MODEL.weights.T / MODEL.scale**2
        kernel, bias = (np.zeros(weight.shape) for weight in vae.posterior.projection.weights)
        kernel[:, :LATENT] = np.concatenate([slope.T, -(OFFSETS @ slope.T)])
        bias[LATENT:] = np.log(np.diag(MODEL.posterior_covariance))
        vae.posterior.projection.set_weights([kernel, bias])
    return vae
