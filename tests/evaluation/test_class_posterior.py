"""The expected calibration error; `tests/models/test_conditional.py` holds class posteriors to exact ones."""

import numpy as np
import pytest
import sklearn.calibration

import keras_vae as kv


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
