"""Records made by hand, for tests of objectives."""

from keras_vae.core import Batch, Inference


def record_of(x, likelihood, latents, sample_weight=None):
    """Make a record of observations, a distribution p(x|z) and latents."""
    batch = Batch(x, sample_weight=sample_weight)
    return Inference(batch, {}, likelihood, likelihood.log_prob(x), latents)
