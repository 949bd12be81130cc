"""Class labels as a condition."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_vae.conditions.condition import Condition
from keras_vae.core import Values, as_array, check_integer, numbered, register


@register
class Labels(Condition):
    """A class label, which networks get as a one-hot code (Kingma et al. 2014, section 2; Sohn et al. 2015).

    Raw values are whole numbers from 0 to num_classes - 1, of shape (batch,).

    Parameters
    ----------
    num_classes : int
        The number of classes, at least 2.
    names : sequence of str, optional
        The names of the classes, which labels may have in place of numbers, in arrays of strings.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If `num_classes` < 2, or `names` are not one for each class.

    Examples
    --------
    >>> Labels(3)(tf.constant([2, 0])).numpy()
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """

    integer_valued = True

    def __init__(self, num_classes: int, *, names: Sequence[str] | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.num_classes = check_integer("num_classes", num_classes, minimum=2)
        self.names = None if names is None else tuple(map(str, names))
        different = {name.casefold() for name in self.names or ()}
        if self.names is not None and not len(different) == len(self.names) == self.num_classes:
            raise ValueError(
                f"`names` must be {self.num_classes} names, all different whatever the case. Received: names={names!r}"
            )

    @property
    def value_shape(self) -> tuple[int, ...]:
        """A label is one number."""
        return ()

    @property
    def support(self) -> tuple[float, float]:
        """The first and the last class."""
        return (0.0, self.num_classes - 1.0)

    @property
    def values(self) -> Values:
        """What labels must be like, and the names by which they may come."""
        return super().values._replace(names=self.names)

    def raw(self, values: Any) -> np.ndarray:
        """Return labels as an array of numbers, of numbers or of names.

        Parameters
        ----------
        values : array_like
            Numbers or, where the classes have names, these in any case; one, or several.

        Returns
        -------
        numpy.ndarray

        Raises
        ------
        ValueError
            If there is no such name.
        """
        return as_array(numbered(values, self.names), "condition")

    def call(self, values: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return one-hot codes of shape (batch, num_classes)."""
        return tf.one_hot(tf.cast(values, tf.int32), self.num_classes, dtype=self.variable_dtype)

    def compute_output_shape(self, input_shape: Sequence[Any]) -> tuple:
        """Return the shape of the codes."""
        return (*input_shape, self.num_classes)

    def get_config(self) -> dict:
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "num_classes": self.num_classes, "names": self.names}
