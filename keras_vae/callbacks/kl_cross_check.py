"""The closed form of the KL divergence compared with Monte Carlo, epoch by epoch."""

import logging
import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_vae.callbacks.readings import Readings, check_model
from keras_vae.core import check_integer, check_number, fold_in, resolve_seed
from keras_vae.divergences import cross_check

_logger = logging.getLogger("keras_vae")
# The most numbers of z at a time, which bounds memory.
_NUMBERS = 2**22
_EPSILON = float(np.finfo(np.float32).eps)


class KLCrossCheck(keras.callbacks.Callback):
    """Compute the KL divergence both ways at the end of each epoch, and warn where they disagree.

    The logs, and so the history, get averages over the observations, summed over all levels:

    - `kl_closed_form` and `kl_monte_carlo`, in nats,
    - `kl_z_score`: their difference in standard errors of the Monte-Carlo estimate. Where both are right it follows
      about Student's t with n (num_samples - 1) degrees of freedom, for n observations, which is nearly standard normal
      above a hundred.

    Float32 rounds; its share, 2^-22 times the log-probabilities that are subtracted, is added to the standard error in
    quadrature, so that a posterior that equals the prior, with a divergence that is only rounding, causes no warning.
    Put callbacks that write logs to files after this one. Its noise has its own seed, so it does not change the
    training.

    Parameters
    ----------
    x : array_like
        Shape (n, *event_shape): observations as the likelihood takes them, such as a batch of the validation set.
    num_samples : int
        Monte-Carlo samples for each observation, at least 2.
    max_standard_errors : float
        The difference beyond which the package's logger warns, above 0. With many observations or samples, four are
        exceeded by chance once in 16,000 epochs.
    seed : int
        Of the samples; each epoch has others.

    Raises
    ------
    TypeError
        When training starts, if the model is not one of this package.
    ValueError
        If an argument is out of range. When training starts, if there is no closed form to check, or x does not suit
        the likelihood.

    Examples
    --------
    >>> history = vae.fit(train_x, epochs=20, callbacks=[KLCrossCheck(test_x[:200])])
    >>> history.history["kl_z_score"]
    """

    def __init__(self, x: Any, *, num_samples: int = 1000, max_standard_errors: float = 4.0, seed: int = 0):
        super().__init__()
        self.x = x
        self.num_samples = check_integer("num_samples", num_samples, minimum=2)
        self.max_standard_errors = check_number("max_standard_errors", max_standard_errors, above=0.0)
        self.seed = resolve_seed(seed)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Prepare, and refuse what has no closed form."""
        model = check_model(self)
        latent_size = sum(math.prod(shape) for shape in model.latent_shapes)
        batch_size = max(1, _NUMBERS // (self.num_samples * latent_size))
        try:
            self._readings = Readings(model, self.x, self._sums, batch_size=min(batch_size, 128))
        except NotImplementedError as error:
            raise ValueError(
                f"`KLCrossCheck` must watch a model whose KL divergence has a closed form. Received: {error}"
            ) from None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure, log, and warn beyond the limit."""
        closed_form, monte_carlo, z_score = self._measure(epoch)
        if logs is not None:
            logs.update(kl_closed_form=closed_form, kl_monte_carlo=monte_carlo, kl_z_score=z_score)
        if not abs(z_score) <= self.max_standard_errors:  # NaN does not agree either
            _logger.warning(
                "Epoch %d: the KL divergence is %.4f nats in closed form and %.4f by Monte Carlo, %.1f standard errors "
                "apart (more than %g).",
                epoch + 1,
                closed_form,
                monte_carlo,
                abs(z_score),
                self.max_standard_errors,
            )

    def _measure(self, epoch):
        found = self._readings.mean(self.seed, epoch)
        # The variance of a mean over n is the sum of variances over n^2.
        variance = found["variance"] / len(self._readings.batch.x) + np.square(2.0 * _EPSILON * found["magnitude"])
        difference = found["monte_carlo"] - found["closed_form"]
        return float(found["closed_form"]), float(found["monte_carlo"]), float(difference / np.sqrt(variance))

    def _sums(self, record, seed):
        totals = dict.fromkeys(("closed_form", "monte_carlo", "variance", "magnitude"), 0.0)
        for level, (z, posterior, prior) in enumerate(record.latents):
            found = cross_check(posterior, prior, self.num_samples, seed=fold_in(seed, level))
            parts = {
                "closed_form": found.closed_form,
                "monte_carlo": found.monte_carlo,
                "variance": tf.square(found.standard_error),
                "magnitude": tf.abs(posterior.log_prob(z)) + tf.abs(prior.log_prob(z)),
            }
            totals = {name: total + tf.reduce_sum(parts[name]) for name, total in totals.items()}
        return totals
