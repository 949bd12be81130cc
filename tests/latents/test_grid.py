"""Grids of codes: their order, their spacing and where they end."""

import numpy as np
import pytest
import scipy.stats

import keras_vae as kv


def sides(codes, num):
    """Return the values along each axis, ascending, after checking that the codes are their product."""
    z = codes.reshape(num, num, 2)
    across, upward = z[0, :, 0], z[::-1, 0, 1]
    np.testing.assert_array_equal(z[..., 0], np.broadcast_to(across, (num, num)))
    np.testing.assert_array_equal(z[..., 1], np.broadcast_to(upward[::-1, None], (num, num)))
    return across, upward


def test_codes_are_in_the_order_of_reading_with_the_second_dimension_upward():
    np.testing.assert_array_equal(kv.latents.grid(2, extent=1.0), [[-1, 1], [1, 1], [-1, -1], [1, -1]])


def test_uniform_codes_have_equal_distances_to_the_extent():
    for side in sides(kv.latents.grid(7), 7):
        np.testing.assert_allclose(side, np.linspace(-3, 3, 7))
    across, upward = sides(kv.latents.grid(5, extent=((0.0, 1.0), (-2.0, 2.0))), 5)
    np.testing.assert_allclose(across, np.linspace(0, 1, 5))
    np.testing.assert_allclose(upward, np.linspace(-2, 2, 5))


@pytest.mark.parametrize("num", [2, 5, 20])
def test_normal_codes_stand_in_the_middle_of_equal_shares(num):
    expected = scipy.stats.norm.ppf((np.arange(num) + 0.5) / num)
    for side in sides(kv.latents.grid(num, spacing="normal"), num):
        np.testing.assert_allclose(side, expected, atol=1e-12)


def test_normal_codes_with_an_extent_have_equal_shares_between_them():
    across, upward = sides(kv.latents.grid(6, spacing="normal", extent=((-1.0, 2.0), (-2.5, 2.5))), 6)
    for side, low, high in ((across, -1.0, 2.0), (upward, -2.5, 2.5)):
        assert (side[0], side[-1]) == (low, high)
        shares = np.diff(scipy.stats.norm.cdf(side))
        np.testing.assert_allclose(shares, shares.mean())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num": 1}, "`num` must be >= 2. Received: num=1"),
        ({"spacing": "log"}, r"`spacing` must be one of \['uniform', 'normal'\]. Received: spacing='log'"),
        ({"extent": 0.0}, "`extent` must be > 0. Received: extent=0.0"),
        ({"extent": "wide"}, "`extent` must be a number or a pair .low, high. for each of two axes. Received"),
        ({"extent": (-1.0, 1.0)}, r"`extent\[0\]` must be a pair \(low, high\) with low < high. Received"),
        ({"extent": ((0, 1), (2, 1))}, r"`extent\[1\]` must be a pair \(low, high\) with low < high. Received"),
        (
            {"extent": ((9, 10), (0, 1)), "spacing": "normal"},
            "`extent` must hold a share of the standard normal distribution. Received: from 9 to 10",
        ),
    ],
)
def test_what_is_no_grid_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kv.latents.grid(**{"num": 3, **arguments})
