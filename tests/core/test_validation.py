"""Checks of arguments: what passes, and the message that each refusal gives."""

import fractions

import numpy as np
import pytest

from keras_vae import core


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2), fractions.Fraction(2)])
def test_any_real_number_is_a_number_and_becomes_a_float(value):
    number = core.check_number("beta", value)
    assert number == 2.0 and type(number) is float


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), "1", None, True, 1j, [1.0]])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(ValueError, match="^`beta` must be a finite number. Received: beta="):
        core.check_number("beta", value)


def test_bounds_of_numbers_are_named_and_the_minimum_is_allowed_but_the_open_bound_is_not():
    assert core.check_number("beta", 0, minimum=0.0) == 0.0
    with pytest.raises(ValueError, match=r"^`beta` must be >= 0. Received: beta=-1.0$"):
        core.check_number("beta", -1.0, minimum=0.0)
    with pytest.raises(ValueError, match=r"^`scale` must be > 0. Received: scale=0.0$"):
        core.check_number("scale", 0.0, above=0.0)


@pytest.mark.parametrize("value", [3, np.int32(3), np.uint8(3)])
def test_any_integer_is_an_integer_and_becomes_an_int(value):
    integer = core.check_integer("units", value, minimum=3)
    assert integer == 3 and type(integer) is int


@pytest.mark.parametrize("value", [3.0, "3", None, True, np.float64(3)])
def test_what_is_no_integer_is_refused(value):
    with pytest.raises(ValueError, match="^`units` must be an integer. Received: units="):
        core.check_integer("units", value)


def test_an_integer_below_the_minimum_is_refused():
    with pytest.raises(ValueError, match=r"^`latent_dim` must be >= 1. Received: latent_dim=0$"):
        core.check_integer("latent_dim", 0, minimum=1)


def test_a_choice_is_one_of_the_list():
    assert core.check_choice("kl", "monte_carlo", ("closed_form", "monte_carlo")) == "monte_carlo"
    assert core.check_choice("projection", None, ("auto", None)) is None
    with pytest.raises(ValueError, match=r"^`kl` must be one of \['closed_form', None\]. Received: kl='exact'$"):
        core.check_choice("kl", "exact", ("closed_form", None))


@pytest.mark.parametrize("value", [(28, 28, 1), [28, 28, 1], np.array([28, 28, 1])])
def test_any_sequence_of_positive_integers_is_a_shape_and_becomes_a_tuple(value):
    shape = core.check_shape("event_shape", value)
    assert shape == (28, 28, 1) and all(type(size) is int for size in shape)


@pytest.mark.parametrize("value", [(), (28, 0), (28, -1), (None, 28), (2.5,), 28, None, "ab"])
def test_what_is_no_shape_is_refused_with_an_example(value):
    with pytest.raises(ValueError, match=r"^`event_shape` must be a tuple .* such as \(28, 28, 1\). Received: "):
        core.check_shape("event_shape", value)


def test_a_shape_that_is_no_event_is_described_in_its_own_words():
    with pytest.raises(ValueError, match=r"^`units` must be a tuple of widths. Received: units=\(\)$"):
        core.check_shape("units", (), expected="a tuple of widths")


def test_a_range_becomes_a_pair_of_floats():
    assert core.check_range("log_var_range", [-6, 2]) == (-6.0, 2.0)


@pytest.mark.parametrize("value", [(2, -6), (1, 1), (1,), (1, 2, 3), 5, None, ("a", "b"), (0, float("inf"))])
def test_what_is_no_range_is_refused(value):
    with pytest.raises(ValueError, match=r"^`log_var_range` must be a pair \(low, high\) with low < high. Received: "):
        core.check_range("log_var_range", value)


def test_an_instance_is_handed_back_and_anything_else_is_refused_with_its_type():
    assert core.check_instance("prior", 3, int, "an integer") == 3
    with pytest.raises(TypeError, match=r"^`prior` must be an integer. Received: prior='x' of type str$"):
        core.check_instance("prior", "x", int, "an integer")
