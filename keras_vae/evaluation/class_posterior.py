"""Classification by Bayes' rule, and how far its probabilities can be trusted."""

from collections.abc import Mapping
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from keras_vae.conditions import Labels
from keras_vae.core import Batch, check_instance, check_integer, resolve_seed
from keras_vae.evaluation.execution import check_model
from keras_vae.evaluation.log_evidence import log_evidence
from keras_vae.models import LatentVariableModel, collect, is_stream
from keras_vae.objectives import SemiSupervised


def class_posterior(
    vae: LatentVariableModel,
    x: Any,
    prior: ArrayLike | None = None,
    num_samples: int = 500,
    *,
    method: Literal["importance", "prior", "ais", "classifier"] = "importance",
    seed: int | None = None,
    batch_size: int | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Return p(y|x) by Bayes' rule, `p(y|x) = p(x|y) p(y) / sum_k p(x|k) p(k)`, of a model of p(x|y).

    p(x|y) is estimated by `log_evidence` for each class, with the same noise.

    Parameters
    ----------
    vae : keras_vae.VAE or keras_vae.HierarchicalVAE
        A model with the condition `Labels`.
    x : array_like
        Shape (n, *x_shape), or a dictionary with "x" and "mask": then it is the posterior given what is observed.
        Labels that come along are not looked at; a target is scored in place of x.
    prior : array_like, optional
        p(y), of shape (num_classes,), or (n, num_classes) where it differs between examples; by default that of the
        model's objective `SemiSupervised`, or uniform.
    num_samples : int
        Samples for each example and class, as in `log_evidence`.
    method : {"importance", "prior", "ais", "classifier"}
        As in `log_evidence`; "classifier" returns q(y|x) of the objective `SemiSupervised` and takes no samples.
    seed : int, optional
        Of the noise; a fresh one by default.
    batch_size, progress
        As in `log_evidence`.

    Returns
    -------
    numpy.ndarray
        Shape (n, num_classes), float64: each row adds up to 1.

    Raises
    ------
    TypeError
        If `vae` is not a model of this package, or its condition is not `Labels`.
    ValueError
        If an argument is out of range, or x does not suit the model.

    Examples
    --------
    >>> probabilities = class_posterior(vae, test_x, seed=0)
    >>> np.mean(probabilities.argmax(axis=1) == test_labels)
    """
    vae = check_model(vae)
    labels = check_instance("vae.condition", vae.condition, Labels, "`keras_vae.conditions.Labels`")
    batch = collect(_unlabelled(x, vae.likelihood.x_shape), vae.spec._replace(condition=None))
    if method == "classifier":
        if prior is not None:
            raise ValueError(
                '`prior` must be left out with method="classifier", which gives q(y|x) as it was trained. Received: one'
            )
        kind = "`keras_vae.objectives.SemiSupervised`"
        objective = check_instance("vae.objective", vae.objective, SemiSupervised, kind)
        size = check_integer("batch_size", 128 if batch_size is None else batch_size, minimum=1)
        starts = range(0, len(batch.x), size)
        parts = [objective.log_probabilities(tf.constant(batch.x[start : start + size])) for start in starts]
        return np.exp(np.concatenate(parts).astype(np.float64))
    if prior is None:
        prior = getattr(vae.objective, "class_prior", None)
    with np.errstate(divide="ignore"):  # a class may be impossible
        log_prior = np.log(_probabilities("prior", prior, len(batch.x), labels.num_classes))
    options = {"seed": resolve_seed(seed), "batch_size": batch_size, "progress": progress}

    def log_joint(label):
        conditional = batch._replace(condition=np.full(len(batch.x), label))
        return log_evidence(vae, conditional, num_samples, method, **options) + log_prior[:, label]

    found = np.stack([log_joint(label) for label in range(labels.num_classes)], axis=1)
    return np.exp(found - np.logaddexp.reduce(found, axis=1, keepdims=True))


def expected_calibration_error(probabilities: ArrayLike, labels: ArrayLike, *, num_bins: int = 15) -> float:
    """Return how far confidence is from accuracy: `sum_b n_b / n |accuracy_b - confidence_b|` (Guo et al. 2017, eq. 5).

    The confidence is the largest probability of an example, by which examples are put into bins of equal width.

    Parameters
    ----------
    probabilities : array_like
        Shape (n, num_classes).
    labels : array_like
        Shape (n,): the true classes.
    num_bins : int
        The number of bins, at least 1.

    Returns
    -------
    float
        From 0, for a model that is calibrated, to 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> round(expected_calibration_error([[0.8, 0.2], [0.2, 0.8]], [0, 1]), 3)
    0.2
    """
    labels = np.asarray(labels)
    probabilities = np.asarray(probabilities, np.float64)
    if labels.ndim != 1 or probabilities.ndim != 2 or len(labels) != len(probabilities) or not len(labels):
        raise ValueError(
            "`probabilities` and `labels` must have shapes (n, num_classes) and (n,). "
            f"Received: {probabilities.shape} and {labels.shape}"
        )
    _probabilities("probabilities", probabilities, *probabilities.shape)
    check_integer("num_bins", num_bins, minimum=1)
    confidence, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * num_bins).astype(int), num_bins - 1)
    return float(np.abs(np.bincount(bins, is_right - confidence)).sum() / len(labels))


def _unlabelled(x, shape):
    """Leave out labels, of single batches and of streams; what has the shape of x is the target."""
    if isinstance(x, keras.utils.PyDataset):
        return (_unlabelled(x[index], shape) for index in range(len(x)))
    if is_stream(x):
        return (_unlabelled(batch, shape) for batch in x)
    if isinstance(x, Batch):
        return x._replace(condition=None)
    if isinstance(x, tuple):
        targets = x[1:2] if len(x) > 1 and shape and tuple(np.shape(x[1]))[1:] == shape else ()
        return (_unlabelled(x[0], shape), *targets)
    return {name: rows for name, rows in x.items() if name != "condition"} if isinstance(x, Mapping) else x


def _probabilities(name, values, size, classes):
    """Return probabilities of shape (size, classes), after checking them."""
    values = np.full(classes, 1 / classes) if values is None else np.asarray(values, np.float64)
    shapes = ((classes,), (size, classes))
    if values.shape not in shapes or not (values >= 0).all() or not np.allclose(values.sum(axis=-1), 1.0, atol=1e-4):
        raise ValueError(
            f"`{name}` must be probabilities of shape {' or '.join(map(str, shapes))}, of the sum 1. "
            f"Received: shape {values.shape}, values from {np.min(values):g} to {np.max(values):g}"
        )
    return np.broadcast_to(values, (size, classes))
