"""The categorical likelihood."""

from collections.abc import Sequence
from typing import Any, Literal

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import check_choice, check_integer, register
from keras_vae.likelihoods.likelihood import Likelihood


@register
class Categorical(Likelihood):
    """log p(x|z) = sum_d log softmax(logits_d)[x_d]: the categorical cross-entropy, negated.

    Parameters
    ----------
    event_shape : tuple of int
        Shape of one observation in elements, without any axis for the categories.
    num_categories : int
        The number of categories, at least 2.
    encoding : {"integer", "one_hot"}
        "integer" takes observations of shape (batch, *event_shape) with whole numbers from 0 to num_categories - 1;
        "one_hot" takes (batch, *event_shape, num_categories).
    projection : {"auto", None}
        Whether features are projected; with None the decoder gives logits of shape
        (batch, *event_shape, num_categories).
    **kwargs
        Passed to `Likelihood` (`kernel_initializer`) and `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range, or the decoder's output does not fit.
    """

    is_discrete = True
    takes_logits = True

    def __init__(
        self,
        event_shape: Sequence[int],
        num_categories: int,
        *,
        encoding: Literal["integer", "one_hot"] = "integer",
        **kwargs: Any,
    ):
        super().__init__(event_shape, **kwargs)
        self.num_categories = check_integer("num_categories", num_categories, minimum=2)
        self.encoding = check_choice("encoding", encoding, ("integer", "one_hot"))

    @property
    def x_shape(self) -> tuple[int, ...]:
        """The shape of one observation as it is fed."""
        return self.event_shape if self.encoding == "integer" else (*self.event_shape, self.num_categories)

    @property
    def support(self) -> tuple[float, float]:
        """The lowest and the highest value of an observation."""
        return (0.0, self.num_categories - 1.0 if self.encoding == "integer" else 1.0)

    @property
    def integer_valued(self) -> bool:
        """Observations are whole numbers in either encoding."""
        return True

    @property
    def one_hot(self) -> bool:
        """Whether observations are codes."""
        return self.encoding == "one_hot"

    @property
    def numbers_per_element(self) -> int:
        """One logit for each category."""
        return self.num_categories

    def observe(self, x: tf.Tensor) -> tf.Tensor:
        """Cast integers to int32, one-hot codes to floats."""
        return tf.cast(x, tf.int32 if self.encoding == "integer" else self.variable_dtype)

    def split(self, projected: tf.Tensor) -> dict[str, tf.Tensor]:
        """Name the projection's output `logits`, of shape (batch, *event_shape, num_categories)."""
        return {"logits": projected}

    def elements(self, parameters: dict[str, tf.Tensor]) -> tfp.distributions.Distribution:
        """Build the categorical distribution of each element, over integers or one-hot codes as `encoding` says."""
        logits = parameters["logits"]
        if self.encoding == "integer":
            return tfp.distributions.Categorical(logits=logits, dtype=tf.int32)
        return tfp.distributions.OneHotCategorical(logits=logits, dtype=logits.dtype)

    def expected(self, parameters: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the most probable category for integers, whose average means nothing; probabilities for codes."""
        return self.mode(parameters) if self.encoding == "integer" else self.mean(parameters)

    def mean(self, parameters: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the expected category number, or the probabilities for one-hot codes."""
        probabilities = tf.nn.softmax(parameters["logits"])
        if self.encoding == "one_hot":
            return probabilities
        return tf.linalg.matvec(probabilities, tf.range(self.num_categories, dtype=probabilities.dtype))

    def averaged(self, parameters: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the probabilities in either encoding, of shape (..., *event_shape, num_categories)."""
        return tf.nn.softmax(parameters["logits"])

    def decided(self, average: tf.Tensor) -> tf.Tensor:
        """Return the most probable category for integers, and probabilities as they are for one-hot codes."""
        return average if self.encoding == "one_hot" else tf.cast(tf.argmax(average, axis=-1), average.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "num_categories": self.num_categories, "encoding": self.encoding}
