"""Paths between codes: where they begin, end and pass, and that they never break."""

import numpy as np
import pytest
import scipy.spatial

import keras_vae as kv

METHODS = ("linear", "spherical")


def codes(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def angles(path):
    """Return the angle between each code of a path and the next."""
    directions = path / np.linalg.norm(path, axis=-1, keepdims=True)
    return np.arccos(np.clip(np.sum(directions[1:] * directions[:-1], axis=-1), -1.0, 1.0))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5)])
def test_a_path_begins_and_ends_at_its_ends_exactly(method, shape):
    start, end = codes(*shape).astype(np.float32), codes(*shape, seed=1).astype(np.float32)
    path = kv.latents.interpolate(start, end, num_steps=7, method=method)
    assert path.shape == (7, *shape)
    assert path.dtype == np.float32
    np.testing.assert_array_equal(path[0], start)
    np.testing.assert_array_equal(path[-1], end)


def test_a_straight_path_has_equal_steps():
    path = kv.latents.interpolate([0.0, 1.0], [4.0, -1.0], num_steps=5)
    np.testing.assert_allclose(path, [[0, 1], [1, 0.5], [2, 0], [3, -0.5], [4, -1]])
    assert path.dtype == np.float64


def test_the_spherical_path_of_codes_of_one_length_is_slerp():
    start, end = (code / np.linalg.norm(code) for code in codes(2, 6))
    path = kv.latents.interpolate(3.0 * start, 3.0 * end, num_steps=9, method="spherical")
    np.testing.assert_allclose(path, 3.0 * scipy.spatial.geometric_slerp(start, end, np.linspace(0, 1, 9)), atol=1e-12)


def test_a_spherical_path_turns_at_one_rate_and_changes_its_length_evenly():
    start, end = codes(2, 4, 10)
    path = kv.latents.interpolate(start, 2.5 * end, num_steps=11, method="spherical")
    turns = angles(path)
    np.testing.assert_allclose(turns, np.broadcast_to(turns.mean(axis=0), turns.shape), atol=1e-7)
    lengths = np.linalg.norm(path, axis=-1)
    np.testing.assert_allclose(np.diff(lengths, n=2, axis=0), 0.0, atol=1e-12)


def test_a_spherical_path_stays_where_a_normal_prior_has_its_mass():
    start, end = codes(2, 200, 100)
    middle = {m: kv.latents.interpolate(start, end, num_steps=3, method=m)[1] for m in METHODS}
    lengths = {method: np.linalg.norm(z, axis=-1).mean() for method, z in middle.items()}
    assert abs(lengths["spherical"] - 10.0) < 0.2
    assert abs(lengths["linear"] - 10.0 / np.sqrt(2.0)) < 0.2


@pytest.mark.parametrize("factor", [1.0, 3.0, 1.0 + 1e-15, 1.0 - 1e-9])
def test_between_codes_of_one_direction_the_spherical_path_is_straight(factor):
    (start,) = codes(1, 4)
    paths = [kv.latents.interpolate(start, factor * start, num_steps=5, method=method) for method in METHODS]
    np.testing.assert_allclose(*paths, rtol=1e-12)


@pytest.mark.parametrize(("start", "end"), [([0.0, 0.0], [3.0, 4.0]), ([3.0, 4.0], [0.0, 0.0]), ([0.0] * 2, [0.0] * 2)])
def test_from_or_to_zero_the_spherical_path_is_straight(start, end):
    paths = [kv.latents.interpolate(start, end, num_steps=5, method=method) for method in METHODS]
    np.testing.assert_array_equal(*paths)


@pytest.mark.parametrize("factor", [-1.0, -2.0, -1e-3])
def test_between_opposite_codes_the_spherical_path_is_half_a_circle_and_never_passes_zero(factor):
    (start,) = codes(1, 6)
    path = kv.latents.interpolate(start, factor * start, num_steps=9, method="spherical")
    np.testing.assert_allclose(angles(path), np.pi / 8)
    expected = np.linalg.norm(start) * np.linspace(1.0, -factor, 9)
    np.testing.assert_allclose(np.linalg.norm(path, axis=-1), expected)
    again = kv.latents.interpolate(start, factor * start, num_steps=9, method="spherical")
    np.testing.assert_array_equal(path, again)


@pytest.mark.parametrize("slip", [1e-14, 1e-11, 1e-8, 1e-4])
def test_between_nearly_opposite_codes_no_step_is_longer_than_its_share(slip):
    start = np.array([1.0, 0.0, 0.0])
    path = kv.latents.interpolate(start, [-1.0, slip, 0.0], num_steps=9, method="spherical")
    np.testing.assert_allclose(angles(path), np.pi / 8, rtol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(path, axis=-1), 1.0, rtol=1e-6)


def test_in_one_dimension_every_path_is_straight():
    for start, end in (([2.0], [-1.0]), ([1.0], [3.0])):
        paths = [kv.latents.interpolate(start, end, num_steps=4, method=method) for method in METHODS]
        np.testing.assert_allclose(*paths)


def test_each_pair_of_a_batch_has_its_own_case():
    start = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    end = np.array([[0.0, 1.0], [-1.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
    together = kv.latents.interpolate(start, end, num_steps=6, method="spherical")
    for row in range(4):
        alone = kv.latents.interpolate(start[row], end[row], num_steps=6, method="spherical")
        np.testing.assert_allclose(together[:, row], alone, atol=1e-15)


def test_one_start_goes_to_many_ends():
    path = kv.latents.interpolate([1.0, 0.0], codes(3, 2), num_steps=4, method="spherical")
    assert path.shape == (4, 3, 2)
    np.testing.assert_array_equal(path[0], [[1.0, 0.0]] * 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_steps": 1}, "`num_steps` must be >= 2. Received: num_steps=1"),
        ({"num_steps": 2.0}, "`num_steps` must be an integer"),
        ({"method": "slerp"}, r"`method` must be one of \['linear', 'spherical'\]. Received: method='slerp'"),
        ({"start": 1.0}, r"`start` must have shape \(\.\.\., latent_dim\).* Received: an array of shape \(\)"),
        ({"start": np.zeros((0, 3))}, "and not be empty. Received: an array of shape"),
        ({"end": ["a", "b"]}, "`end` must be an array of numbers. Received"),
        ({"end": [np.nan, 0.0]}, "`end` must be finite. Received: NaN or infinity"),
        ({"end": [1.0, 2.0, 3.0]}, r"same latent dimension. Received: shapes \(2,\) and \(3,\)"),
        ({"start": np.ones((2, 2)), "end": np.ones((3, 2))}, r"that broadcast. Received: \(2, 2\) and \(3, 2\)"),
    ],
)
def test_what_is_no_path_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kv.latents.interpolate(**{"start": [1.0, 0.0], "end": [0.0, 1.0], "num_steps": 3, **arguments})
