"""The direction of an attribute, on codes whose direction is known."""

import numpy as np
import pytest

import keras_vae as kv
from tests.oracles import assert_mean_within_standard_errors


def test_the_direction_is_the_difference_of_the_means():
    direction = kv.latents.attribute_direction([[1.0, 2.0], [3.0, 4.0]], [[0.0, 1.0], [0.0, 0.0], [0.0, 2.0]])
    np.testing.assert_allclose(direction, [2.0, 2.0])


def test_a_known_direction_is_found_within_its_standard_error():
    generator = np.random.default_rng(0)
    known = np.array([2.0, 0.0, -1.0])
    draws = [
        kv.latents.attribute_direction(generator.normal(size=(40, 3)) + known, generator.normal(size=(60, 3)))
        for _ in range(50)
    ]
    assert_mean_within_standard_errors(draws, known)


def test_codes_in_float32_give_a_direction_in_float32_that_was_averaged_in_float64():
    many = np.full((200_000, 1), 0.1, np.float32)
    direction = kv.latents.attribute_direction(many, np.zeros((1, 1), np.float32))
    assert direction.dtype == np.float32
    np.testing.assert_array_equal(direction, np.float32(0.1))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (
            (np.zeros((0, 2)), np.zeros((1, 2))),
            r"`with_attribute` must have shape \(n, latent_dim\) with n >= 1. Received",
        ),
        ((np.zeros((1, 2)), np.zeros(2)), r"`without_attribute` must have .* Received: an array of shape \(2,\)"),
        ((np.full((1, 2), np.inf), np.zeros((1, 2))), "`with_attribute` must be finite. Received: NaN or infinity"),
        ((np.zeros((1, 2)), np.zeros((1, 3))), r"same latent dimension. Received: shapes \(1, 2\) and \(1, 3\)"),
    ],
)
def test_groups_that_do_not_fit_are_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        kv.latents.attribute_direction(*groups)
