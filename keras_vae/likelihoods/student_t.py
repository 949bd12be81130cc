"""The Student-t likelihood, whose heavy tails forgive outliers."""

from collections.abc import Sequence
from typing import Any, Literal

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import bounded, check_number, register
from keras_vae.likelihoods.gaussian import MINIMUM_SCALE, softly_bounded
from keras_vae.likelihoods.likelihood import Likelihood

_MODES = ("learned", "per_dimension")
_LEAST, _BEGINNING, _LOG_RANGE = 1.0, 4.0, (-9.0, 9.0)


@register
class StudentT(Likelihood):
    """log p(x|z) = sum_d log t((x_d - location_d) / scale_d; v_d) - log scale_d (Takahashi et al. 2018).

    `log t(y; v) = -(v + 1)/2 log(1 + y^2 / v) - 1/2 log(v pi) + log Gamma((v + 1)/2) - log Gamma(v/2)`, in nats.

    A residual y costs about (v + 1) log |y| nats where a Gaussian charges y^2 / 2, so that single gross errors do not
    pull the decoder towards them. With few degrees of freedom v the tails are heavy; v = 1 is the Cauchy distribution,
    and the Gaussian is the limit of many. The scale is not a standard deviation: the variance is scale^2 v / (v - 2),
    and infinite for v <= 2.

    Both the scale and the degrees of freedom are a fixed number, "learned" (one weight that all dimensions share) or
    "per_dimension" (given by the decoder for each dimension of each example). Learned scales are bounded as those of
    `Gaussian` are. Learned degrees of freedom are 1 + 3 exp(raw), with raw clipped to (-9, 9): they begin at 4 and stay
    above 1, so that the mean exists, and below 25,000.

    Parameters
    ----------
    event_shape : tuple of int
        Shape of one observation.
    degrees_of_freedom : float or {"learned", "per_dimension"}
        v, or how it is found; 4 by default (Lange, Little & Taylor 1989).
    scale : float or {"learned", "per_dimension"}
        The scale, or how it is found.
    minimum_scale : float
        The least learned scale, exp(-6) by default.
    projection : {"auto", None}
        Whether features are projected; with None the decoder gives the location ("per_dimension" needs a projection).
    **kwargs
        Passed to `Likelihood` (`kernel_initializer`) and `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range, or the decoder's output does not fit.

    Examples
    --------
    >>> likelihood = StudentT((3,), scale=0.5, projection=None)
    >>> likelihood.log_prob(likelihood(tf.zeros([2, 3])), tf.ones([2, 3])).shape
    TensorShape([2])
    """

    def __init__(
        self,
        event_shape: Sequence[int],
        *,
        degrees_of_freedom: float | Literal["learned", "per_dimension"] = _BEGINNING,
        scale: float | Literal["learned", "per_dimension"] = 1.0,
        minimum_scale: float = MINIMUM_SCALE,
        **kwargs: Any,
    ):
        super().__init__(event_shape, **kwargs)
        self.degrees_of_freedom = _number_or_mode("degrees_of_freedom", degrees_of_freedom)
        self.scale = _number_or_mode("scale", scale)
        self.minimum_scale = check_number("minimum_scale", minimum_scale, above=0.0)
        if self.numbers_per_element > 1 and self.projection is None:
            raise ValueError(
                '`projection` must be "auto" for a scale or degrees of freedom that are "per_dimension": the decoder '
                "gives features, and the likelihood finds the parameters in them. Received: projection=None"
            )

    @property
    def numbers_per_element(self) -> int:
        """A location, and a raw number for each parameter that is found per dimension."""
        return 1 + [self.scale, self.degrees_of_freedom].count("per_dimension")

    def build(self, input_shape: Sequence[Any]) -> None:
        """Build the projection, and the weights that are learned."""
        super().build(input_shape)
        # Without `autocast=False` Keras hands a half-precision copy to `call` under mixed precision.
        settings = {"shape": (), "initializer": "zeros", "autocast": False}
        if self.scale == "learned":
            self.raw_log_scale = self.add_weight(name="raw_log_scale", **settings)
        if self.degrees_of_freedom == "learned":
            self.raw_degrees_of_freedom = self.add_weight(name="raw_degrees_of_freedom", **settings)

    def split(self, projected: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return `location`, of shape (batch, *event_shape), and `scale` and `degrees_of_freedom`, alike or scalars."""
        location, *raw = tf.unstack(projected, axis=-1)
        scale, degrees = self.scale, self.degrees_of_freedom
        if scale in _MODES:
            scale = softly_bounded(raw.pop(0) if scale == "per_dimension" else self.raw_log_scale, self.minimum_scale)
        if degrees in _MODES:
            degrees = _degrees(raw.pop(0) if degrees == "per_dimension" else self.raw_degrees_of_freedom)
        scale, degrees = (tf.convert_to_tensor(value, location.dtype) for value in (scale, degrees))
        return {"location": location, "scale": scale, "degrees_of_freedom": degrees}

    def elements(self, parameters: dict[str, tf.Tensor]) -> tfp.distributions.Distribution:
        """Build the Student-t distribution of each element."""
        return tfp.distributions.StudentT(parameters["degrees_of_freedom"], parameters["location"], parameters["scale"])

    def expected(self, parameters: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the location, which is the median and the mode, and the mean where there is one."""
        return parameters["location"]

    def mean(self, parameters: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the location; a fixed number of at most one degree of freedom has no mean and is refused."""
        if self.degrees_of_freedom not in _MODES and self.degrees_of_freedom <= _LEAST:
            raise ValueError(
                "`mean` must be called with degrees_of_freedom > 1, since other Student-t distributions have none; the "
                f"location is the median. Received: degrees_of_freedom={self.degrees_of_freedom!r}"
            )
        return parameters["location"]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        names = ("degrees_of_freedom", "scale", "minimum_scale")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _number_or_mode(name, value):
    if isinstance(value, str) and value not in _MODES:
        raise ValueError(f"`{name}` must be a number > 0 or one of {list(_MODES)}. Received: {name}={value!r}")
    return value if isinstance(value, str) else check_number(name, value, above=0.0)


def _degrees(raw):
    return _LEAST + (_BEGINNING - _LEAST) * tf.exp(bounded(tf.convert_to_tensor(raw), *_LOG_RANGE))
