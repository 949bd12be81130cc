"""Posterior collapse, as it happens."""

import logging
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_vae.callbacks.readings import Readings, check_model
from keras_vae.core import check_number
from keras_vae.divergences import closed_form_kl_per_dimension

_logger = logging.getLogger("keras_vae")
_BATCH_SIZE = 128


class CollapseMonitor(keras.callbacks.Callback):
    """Name the latent dimensions that die, at the end of each epoch.

    A dimension j is dead where the average of KL[q(z_j|x) || p(z_j)] over some observations is below a threshold: its
    posterior is the prior, whatever x is (Bowman et al. 2016; Lucas et al. 2019). The package's logger warns when
    dimensions die, and logs a line of level INFO when they come back:

    `Epoch 3: z[:, 4], z[:, 7] died: KL 0.0071, 0.0008 < 0.01 nats. 2 of 16 latent dimensions are dead.`

    In the logs, and so in the history, `dead_dimensions` counts them; put callbacks that write logs to files after this
    one. Its noise has its own seed, so it does not change the training.

    Parameters
    ----------
    x : array_like
        Shape (n, *event_shape): observations as the likelihood takes them, such as a batch of the validation set.
    threshold : float
        In nats, above 0. The default is where `keras_vae.plots.kl_per_dimension` draws its line.

    Attributes
    ----------
    history : dict
        "epoch": the numbers of the epochs, from 0 as in Keras's own history; "kl_per_dimension": for each of them an
        array of shape (latent_dim,), in nats, of a model with several levels a tuple of them, bottom-up; "dead": the
        columns of z below the threshold, of several levels a tuple for each. Emptied when training starts.

    Raises
    ------
    TypeError
        When training starts, if the model is not one of this package.
    ValueError
        If `threshold` is not above 0. When training starts, if the KL divergence does not split into dimensions, which
        it does for factorized Gaussians only, or x does not suit the likelihood.

    Examples
    --------
    >>> monitor = CollapseMonitor(test_x[:500])
    >>> vae.fit(train_x, epochs=20, callbacks=[monitor])
    >>> keras_vae.plots.kl_per_dimension(monitor.history["kl_per_dimension"][-1])
    """

    def __init__(self, x: Any, *, threshold: float = 0.01):
        super().__init__()
        self.x = x
        self.threshold = check_number("threshold", threshold, above=0.0)
        self.history: dict[str, list] = {"epoch": [], "kl_per_dimension": [], "dead": []}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Prepare, and refuse what cannot be measured."""
        model = check_model(self)
        try:
            self._readings = Readings(model, self.x, _sums, batch_size=_BATCH_SIZE)
        except NotImplementedError as error:
            raise ValueError(
                "`CollapseMonitor` must watch a model whose KL divergence splits into latent dimensions; of others "
                f"`keras_vae.evaluation.evaluate_vae` counts the active units. Received: {error}"
            ) from None
        self._was_dead = [np.zeros(shape, bool) for shape in model.latent_shapes]
        self.history = {"epoch": [], "kl_per_dimension": [], "dead": []}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure, compare with the last epoch, and log what changed."""
        levels = self._readings.mean()
        is_dead = [level < self.threshold for level in levels]
        self._tell(epoch, levels, is_dead)
        self._was_dead = is_dead
        dead = [tuple(np.flatnonzero(level).tolist()) for level in is_dead]
        self.history["epoch"].append(epoch)
        self.history["kl_per_dimension"].append(levels[0] if len(levels) == 1 else levels)
        self.history["dead"].append(dead[0] if len(dead) == 1 else tuple(dead))
        if logs is not None:
            logs["dead_dimensions"] = float(sum(map(len, dead)))

    def _tell(self, epoch, levels, is_dead):
        total = sum(map(len, levels))
        count = f"{sum(level.sum() for level in is_dead)} of {total} latent dimensions are dead."
        changes = ((logging.WARNING, "died", "<", True), (logging.INFO, "came back", ">=", False))
        for severity, verb, sign, wanted in changes:
            names, values = [], []
            for level, (kl, now, before) in enumerate(zip(levels, is_dead, self._was_dead, strict=True)):
                for dimension in np.flatnonzero((now != before) & (now == wanted)):
                    names.append((f"level {level + 1} " if len(levels) > 1 else "") + f"z[:, {dimension}]")
                    values.append(f"{kl[dimension]:.4f}")
            if names:
                line = "Epoch %d: %s %s: KL %s %s %g nats. %s"
                shown = ", ".join(names), verb, ", ".join(values), sign, self.threshold, count
                _logger.log(severity, line, epoch + 1, *shown)


def _sums(record, seed):
    """Return the KL divergence of each dimension, summed over the batch and averaged over samples of levels above."""
    sums = []
    for latent in record.latents:
        kl = closed_form_kl_per_dimension(latent.posterior, latent.prior)  # (batch, d), or (1, batch, d) below the top
        sums.append(tf.reduce_sum(tf.reshape(kl, [-1, kl.shape[-1]]), axis=0))
    return tuple(sums)
