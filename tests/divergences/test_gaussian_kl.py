"""The KL divergence of two Gaussians of any covariance."""

import numpy as np
import pytest
import tensorflow as tf

from keras_vae.divergences import gaussian_kl
from tests import oracles


def draw(seed, *shape):
    generator = np.random.default_rng(seed)
    return generator.normal(size=shape), oracles.random_covariance(generator, *shape)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_it_equals_inverse_and_determinant_in_float64(size):
    first, second = draw(1, 6, size), draw(2, 6, size)
    np.testing.assert_allclose(gaussian_kl(*first, *second), oracles.gaussian_kl(*first, *second), rtol=1e-10)


def test_diagonal_covariances_equal_the_sum_over_dimensions_by_hand():
    mean_1, mean_2 = np.array([0.5, -1.0]), np.array([0.0, 2.0])
    scale_1, scale_2 = np.array([0.3, 1.5]), np.array([1.0, 0.7])
    by_hand = np.log(scale_2 / scale_1) + (scale_1**2 + (mean_1 - mean_2) ** 2) / (2 * scale_2**2) - 0.5
    kl = gaussian_kl(mean_1, np.diag(scale_1**2), mean_2, np.diag(scale_2**2))
    np.testing.assert_allclose(kl, by_hand.sum(), rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_zero_for_equal_gaussians_and_positive_otherwise(seed):
    mean, covariance = draw(seed, 4, 3)
    np.testing.assert_allclose(gaussian_kl(mean, covariance, mean, covariance), np.zeros(4), atol=1e-12)
    assert np.all(gaussian_kl(mean, covariance, mean[::-1], covariance[::-1]) > 0)


def test_it_is_symmetric_in_the_means_where_the_covariances_are_equal():
    mean_1, covariance = draw(0, 4, 3)
    mean_2, _ = draw(1, 4, 3)
    there, back = (
        gaussian_kl(mean_1, covariance, mean_2, covariance),
        gaussian_kl(mean_2, covariance, mean_1, covariance),
    )
    np.testing.assert_allclose(there, back, rtol=1e-12)
    # and is then half the squared Mahalanobis distance
    shift = mean_1 - mean_2
    expected = 0.5 * np.einsum("bi,bij,bj->b", shift, np.linalg.inv(covariance), shift)
    np.testing.assert_allclose(there, expected, rtol=1e-10)


def test_both_directions_together_are_jeffreys_divergence():
    mean, covariance_1 = draw(0, 4, 3)
    _, covariance_2 = draw(1, 4, 3)
    there, back = (
        gaussian_kl(mean, covariance_1, mean, covariance_2),
        gaussian_kl(mean, covariance_2, mean, covariance_1),
    )
    assert not np.allclose(there, back)
    # The determinants cancel: J = 1/2 tr(C2^-1 C1 + C1^-1 C2) - d.
    traces = np.trace(
        np.linalg.inv(covariance_2) @ covariance_1 + np.linalg.inv(covariance_1) @ covariance_2, axis1=-2, axis2=-1
    )
    np.testing.assert_allclose(there + back, 0.5 * traces - 3, rtol=1e-10)


@pytest.mark.parametrize(
    "shapes",
    [((5, 3), (3,)), ((3,), (5, 3)), ((2, 1, 3), (5, 3)), ((3,), (3,))],
    ids=str,
)
def test_batches_broadcast(shapes):
    (mean_1, covariance_1), (mean_2, covariance_2) = draw(1, *shapes[0]), draw(2, *shapes[1])
    kl = gaussian_kl(mean_1, covariance_1, mean_2, covariance_2)
    assert kl.shape == np.broadcast_shapes(shapes[0], shapes[1])[:-1]
    np.testing.assert_allclose(kl, oracles.gaussian_kl(mean_1, covariance_1, mean_2, covariance_2), rtol=1e-10)


def test_one_covariance_serves_a_batch_of_means():
    mean, _ = draw(0, 5, 3)
    _, covariance = draw(1, 3)
    kl = gaussian_kl(mean, covariance, np.zeros(3), np.eye(3))
    np.testing.assert_allclose(kl, oracles.gaussian_kl(mean, covariance, np.zeros(3), np.eye(3)), rtol=1e-10)


def test_lists_and_mixed_precisions_are_taken_and_float64_wins():
    kl = gaussian_kl([1, 2], [[2, 0], [0, 1]], [0, 0], [[1, 0], [0, 1]])
    assert kl.dtype == tf.float32
    expected = oracles.gaussian_kl([1, 2], [[2, 0], [0, 1]], [0, 0], np.eye(2))
    np.testing.assert_allclose(kl, expected, rtol=1e-6)
    mixed = gaussian_kl(np.float32([1, 2]), np.diag([2.0, 1.0]), [0.1, 0.2], np.eye(2, dtype=np.float32))
    assert mixed.dtype == tf.float64
    np.testing.assert_allclose(mixed, oracles.gaussian_kl([1, 2], np.diag([2, 1]), [0.1, 0.2], np.eye(2)), rtol=1e-12)


@pytest.mark.parametrize("wrap", [lambda function: function, tf.function], ids=["eager", "graph"])
@pytest.mark.parametrize("which", ["1", "2"])
@pytest.mark.parametrize(
    "bad",
    [[[1.0, 0.0], [0.0, -1.0]], [[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.9], [0.0, 1.0]], [[1.0, 0.0], [0.0, float("nan")]]],
    ids=["negative variance", "indefinite", "asymmetric", "nan"],
)
def test_a_covariance_that_is_none_is_refused(wrap, which, bad):
    good, mean = np.eye(2), np.zeros(2)
    covariances = (np.array(bad), good) if which == "1" else (good, np.array(bad))
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=f"`covariance_{which}` must be symmetric and positive definite"
    ):
        wrap(gaussian_kl)(mean, covariances[0], mean, covariances[1])


def test_one_bad_covariance_in_a_batch_is_found():
    covariances = np.stack([np.eye(2), np.diag([1.0, 0.0]), np.eye(2)])
    with pytest.raises(tf.errors.InvalidArgumentError, match="`covariance_1` must be symmetric and positive definite"):
        gaussian_kl(np.zeros((3, 2)), covariances, np.zeros(2), np.eye(2))


@pytest.mark.parametrize(
    ("mean", "covariance"),
    [(np.zeros(3), np.eye(2)), (np.zeros(2), np.ones(2)), (np.zeros(2), np.ones((2, 3))), (np.zeros(()), np.eye(2))],
    ids=["sizes", "variances", "not square", "scalar mean"],
)
def test_shapes_that_do_not_belong_together_are_refused(mean, covariance):
    with pytest.raises(ValueError, match=r"`covariance_2` must have shape \(\.\.\., d, d\).*Received: shapes"):
        gaussian_kl(np.zeros(2), np.eye(2), mean, covariance)


def test_gaussians_of_different_dimensions_are_refused():
    with pytest.raises(ValueError, match=r"`mean_1` and `mean_2` must have the same last.*\(2,\) and \(3,\)"):
        gaussian_kl(np.zeros(2), np.eye(2), np.zeros(3), np.eye(3))
