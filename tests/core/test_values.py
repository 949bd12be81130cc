"""Checks of data: what passes, and the message that each refusal gives."""

import numpy as np
import pytest
import tensorflow as tf

from keras_vae.core import Values


def check_array(x, **rule):
    return Values(**rule).check(x)


def check_spec(received, dtype, **rule):
    Values(**rule).check_spec(received, dtype)


IMAGE = (4, 3, 1)
OWNER = "the likelihood Bernoulli"


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "uint8", "int64", "bool"])
def test_good_arrays_of_every_numeric_type_are_handed_back(dtype):
    x = np.ones((2, *IMAGE), dtype)
    assert check_array(x, shape=IMAGE, support=(0.0, 1.0), integer=True) is x


def test_lists_and_tensors_become_arrays():
    np.testing.assert_array_equal(check_array([[0.0, 1.0]], shape=(2,)), [[0.0, 1.0]])
    assert isinstance(check_array(tf.zeros([2, 3]), shape=(3,)), np.ndarray)
    assert check_array(tf.zeros([2, 3], tf.bfloat16), shape=(3,), support=(0.0, 1.0)).shape == (2, 3)


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((2, 4, 3), r" Add the channel axis with `x\[\.\.\., None\]`\."),
        (IMAGE, r" Add the batch axis: `x\[None\]` for an array, `\.batch\(n\)` for a data set\."),
        ((2, 4, 4, 1), ""),
        ((2, 12), ""),
        ((2, 4, 3, 1, 1), ""),
    ],
    ids=str,
)
def test_a_wrong_shape_is_refused_with_a_hint_where_one_helps(shape, hint):
    received = ", ".join(map(str, shape))
    message = rf"^`x` must have shape \(batch, 4, 3, 1\) for {OWNER}\.{hint} Received: shape \({received}\)$"
    with pytest.raises(ValueError, match=message):
        check_array(np.zeros(shape), shape=IMAGE, owner=OWNER)


def test_empty_data_are_refused():
    with pytest.raises(ValueError, match=r"`x` must hold at least one example. Received: an empty array of shape"):
        check_array(np.zeros((0, *IMAGE)), shape=IMAGE)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused_with_the_first_example_that_has_them(bad):
    x = np.zeros((5, *IMAGE))
    x[3, 2, 1, 0] = x[4, 0, 0, 0] = bad
    with pytest.raises(ValueError, match=r"`x` must be finite. Received: NaN or infinity, first in example 3$"):
        check_array(x, shape=IMAGE)


def test_values_outside_of_the_support_are_refused_and_bytes_get_the_remedy():
    x = np.full((2, *IMAGE), 200, "uint8")
    message = (
        rf"^`x` must be in \[0, 1\] for {OWNER}. Divide 8-bit images by 255, or let `keras_vae.data.pipeline` do it. "
        r"Received: uint8 values from 200 to 200$"
    )
    with pytest.raises(ValueError, match=message):
        check_array(x, shape=IMAGE, support=(0.0, 1.0), owner=OWNER)
    with pytest.raises(ValueError, match=r"Received: float64 values from -0.1 to -0.1$"):
        check_array(np.full((2, *IMAGE), -0.1), shape=IMAGE, support=(0.0, 1.0))


def test_categories_out_of_range_are_not_told_to_divide_by_255():
    for highest in (1.0, 9.0):
        with pytest.raises(ValueError, match=rf"^`x` must be in \[0, {highest:g}\] for {OWNER}. Received: int64"):
            check_array(np.full((2, 3), 10), shape=(3,), support=(0.0, highest), integer=True, owner=OWNER)


def test_fractions_are_refused_where_whole_numbers_are_wanted():
    with pytest.raises(ValueError, match=r"`x` must hold whole numbers for .* Received: values such as 1.5$"):
        check_array([[0.0, 1.5, 2.0]], shape=(3,), support=(0.0, 2.0), integer=True)


def test_values_that_float16_cannot_hold_are_refused_with_the_remedy():
    assert check_array([[65504.0, -65504.0]], shape=(2,), float16=True).shape == (1, 2)
    message = r"must fit into float16 \(at most 65504 in size\) .* mixed_bfloat16. Received: values from -70000 to 1$"
    with pytest.raises(ValueError, match=message):
        check_array([[-70000.0, 1.0]], shape=(2,), float16=True)


@pytest.mark.parametrize("bad", [np.array([["a", "b"]]), np.zeros((1, 2), complex), np.array([[None, {}]])])
def test_what_is_no_number_is_refused(bad):
    with pytest.raises(ValueError, match=r"`x` must be numeric.* Received: dtype "):
        check_array(bad, shape=(2,))


def test_a_spec_may_leave_sizes_open_and_is_refused_where_it_cannot_fit():
    check_spec((None, None, 3, 1), np.float32, shape=IMAGE)
    check_spec((None, *IMAGE), tf.bfloat16.as_numpy_dtype, shape=IMAGE)
    with pytest.raises(ValueError, match=r"`x` must have shape \(batch, 4, 3, 1\).*\(None, 5, 3, 1\)"):
        check_spec((None, 5, 3, 1), np.float32, shape=IMAGE)


def in_a_pipeline(x, **rule):
    """Run the check where it is made to run: in a `tf.data` map."""
    dataset = tf.data.Dataset.from_tensors(x).map(Values((), owner=OWNER, **rule).assert_values)
    return next(iter(dataset)).numpy()


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8", "int64"])
def test_good_batches_pass_through_a_pipeline_unchanged(dtype):
    x = np.array([[0, 1], [1, 0]], dtype)
    passed = in_a_pipeline(x, support=(0.0, 1.0), integer=True)
    np.testing.assert_array_equal(passed, x)
    assert passed.dtype == x.dtype


@pytest.mark.parametrize(
    ("x", "rule", "message"),
    [
        ([[0.0, np.nan]], {}, r"`x` must be finite. Received: NaN or infinity"),
        ([[0.0, -np.inf]], {}, r"`x` must be finite. Received: NaN or infinity"),
        ([[0.0, 1.5]], {"support": (0.0, 1.0)}, rf"`x` must be in \[0, 1\] for {OWNER}. Divide 8-bit images by 255"),
        ([[-0.5, 1.0]], {"support": (0.0, 1.0)}, r"`x` must be in \[0, 1\].*values from, to"),
        ([[0.0, 4.0]], {"support": (0.0, 3.0), "integer": True}, rf"`x` must be in \[0, 3\] for {OWNER}. Received"),
        ([[0.0, 1.5]], {"support": (0.0, 3.0), "integer": True}, rf"whole numbers for {OWNER}. Received: fractions"),
    ],
)
def test_bad_batches_stop_a_pipeline(x, rule, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        in_a_pipeline(np.float32(x), **rule)
