"""The expected calibration error; `tests/models/test_conditional.py` holds class posteriors to exact ones."""

import keras
import numpy as np
import pytest
import sklearn.calibration
import tensorflow as tf

import keras_vae as kv
from tests import conditional_gaussian


def draw(n=4000, classes=4, seed=0):
    """Draw probabilities, and labels of these probabilities."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.full(classes, 0.4), n)
    labels = (generator.random((n, 1)) > np.cumsum(probabilities, axis=1)).sum(axis=1)
    return probabilities, np.minimum(labels, classes - 1)


@pytest.mark.parametrize("num_bins", [1, 5, 15])
def test_the_calibration_error_is_that_of_the_calibration_curve(num_bins):
    probabilities, labels = draw()
    probabilities = probabilities**2 / np.sum(probabilities**2, axis=1, keepdims=True)  # too sure
    confidence, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    accuracy, mean = sklearn.calibration.calibration_curve(is_right, confidence, n_bins=num_bins)
    counts = np.histogram(confidence, np.linspace(0, 1, num_bins + 1))[0]
    expected = np.sum(counts[counts > 0] * np.abs(accuracy - mean)) / len(labels)
    found = kv.evaluation.expected_calibration_error(probabilities, labels, num_bins=num_bins)
    assert found == pytest.approx(expected, abs=1e-12)
    assert found > 0.05


def test_true_probabilities_are_calibrated():
    probabilities, labels = draw(50_000)
    # Each bin's difference has a standard error of at most 0.5 / sqrt(n_b); over 15 bins sum_b sqrt(n_b) / n.
    assert kv.evaluation.expected_calibration_error(probabilities, labels) < 0.5 * np.sqrt(15 / 50_000)


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        ([0.5, 0.5], [0, 1], r"must have shapes \(n, num_classes\) and \(n,\). Received: \(2,\) and \(2,\)"),
        ([[0.5, 0.5]], [0, 1], r"Received: \(1, 2\) and \(2,\)"),
        ([[0.5, 0.6]], [0], "`probabilities` must be probabilities of shape .* of the sum 1"),
    ],
)
def test_what_is_no_probability_is_refused(probabilities, labels, message):
    with pytest.raises(ValueError, match=message):
        kv.evaluation.expected_calibration_error(probabilities, labels)


def test_labels_that_come_along_are_left_out_of_every_form_of_data():
    vae, (x, labels) = conditional_gaussian.conditional_vae(), conditional_gaussian.draw(12)
    data = tf.data.Dataset.from_tensor_slices({"x": x, "condition": labels}).batch(5)
    expected = kv.evaluation.class_posterior(vae, x, num_samples=5, seed=0)
    for found in (data, {"x": x, "condition": labels}, (x, labels)):
        np.testing.assert_allclose(
            kv.evaluation.class_posterior(vae, found, num_samples=5, seed=0), expected, rtol=1e-6
        )


def test_the_prior_of_the_objective_is_the_default():
    x, prior = conditional_gaussian.draw(12)[0], (0.7, 0.2, 0.1)
    objective = kv.objectives.SemiSupervised(keras.layers.Dense(3), class_prior=prior)
    vae = conditional_gaussian.conditional_vae(objective=objective)
    found = kv.evaluation.class_posterior(vae, x, num_samples=5, seed=0)
    expected = kv.evaluation.class_posterior(vae, x, prior, num_samples=5, seed=0)
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(TypeError, match="`vae.objective` must be"):
        kv.evaluation.class_posterior(conditional_gaussian.conditional_vae(), x, method="classifier")
