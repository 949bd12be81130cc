"""The Gaussian likelihood, with four ways to find its scale."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import Inference, Normal, Values, bounded, check_number, global_sum, register, right_aligned
from keras_vae.likelihoods.likelihood import Likelihood

_MODES = ("learned", "optimal", "per_dimension")
_MOMENTUM = 0.99
MINIMUM_SCALE = math.exp(-6.0)
_MAXIMUM_LOG_SCALE = 20.0


@register
class Gaussian(Likelihood):
    """log p(x|z) = -1/2 sum_d [(x_d - mean_d)^2 / scale_d^2 + log(2 pi scale_d^2)].

    With a fixed scale, maximising it is minimising the squared error divided by 2 scale^2, so the choice of the scale
    is a choice of beta. The other three ways find the scale from the data (Rybkin, Daniilidis & Levine 2021):

    - "learned": one scale that all dimensions share, a weight;
    - "optimal": one scale, its analytic optimum scale^2 = mean squared error of the batch while training. A moving
      average of it is stored, and everything outside of training uses the stored scale, so that results never depend
      on the batch; a model's `calibrate` sets it exactly;
    - "per_dimension": a scale for each dimension of each example, given by the decoder.

    Learned scales are kept above `minimum_scale` softly, by log scale = log min + softplus(raw - log min), and below
    exp(20) by a clip of raw; the optimal scale, which must stay exact, is kept above by a maximum.

    Parameters
    ----------
    event_shape : tuple of int
        Shape of one observation.
    scale : float or {"learned", "optimal", "per_dimension"}
        The standard deviation, or how it is found.
    minimum_scale : float
        The least scale, exp(-6) by default.
    projection : {"auto", None}
        Whether features are projected; with None the decoder gives the mean ("per_dimension" needs a projection).
    **kwargs
        Passed to `Likelihood` (`kernel_initializer`) and `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range, or the decoder's output does not fit.
    """

    def __init__(
        self,
        event_shape: Sequence[int],
        *,
        scale: float | Literal["learned", "optimal", "per_dimension"] = 1.0,
        minimum_scale: float = MINIMUM_SCALE,
        **kwargs: Any,
    ):
        super().__init__(event_shape, **kwargs)
        if scale not in _MODES:
            if isinstance(scale, str):
                raise ValueError(f"`scale` must be a number > 0 or one of {list(_MODES)}. Received: scale={scale!r}")
            scale = check_number("scale", scale, above=0.0)
        self.scale = scale
        self.minimum_scale = check_number("minimum_scale", minimum_scale, above=0.0)
        if scale == "per_dimension" and self.projection is None:
            raise ValueError(
                '`projection` must be "auto" for scale="per_dimension": the decoder gives features, and the '
                "likelihood finds mean and scale in them. Received: projection=None"
            )

    @property
    def numbers_per_element(self) -> int:
        """A mean, and for a scale per dimension the raw logarithm of the scale."""
        return 2 if self.scale == "per_dimension" else 1

    @property
    def values(self) -> Values:
        """What observations must be like; the scale that training begins with says what values can be meant."""
        beginning = self.scale if isinstance(self.scale, float) else 1.0
        return super().values._replace(scale=None if self.scale == "optimal" else beginning)

    def build(self, input_shape: Sequence[Any]) -> None:
        """Build the projection, and the scale where it is a variable."""
        super().build(input_shape)
        # Without `autocast=False` Keras hands a half-precision copy to `call` under mixed precision.
        settings = {"initializer": "zeros", "autocast": False}
        if self.scale == "learned":
            self.raw_log_scale = self.add_weight(shape=(), name="raw_log_scale", **settings)
        elif self.scale == "optimal":
            settings.update(trainable=False, aggregation="only_first_replica")
            self.average = self.add_weight(shape=(), name="squared_error_average", **settings)
            self.average_weight = self.add_weight(shape=(), name="squared_error_average_weight", **settings)

    def split(self, projected: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return `mean`, of shape (batch, *event_shape), and `scale`, of the same shape or a scalar."""
        if self.scale == "per_dimension":
            mean, raw = tf.unstack(projected, axis=-1)
            return {"mean": mean, "scale": softly_bounded(raw, self.minimum_scale)}
        return {"mean": tf.squeeze(projected, -1), "scale": self.shared_scale()}

    def shared_scale(self) -> tf.Tensor:
        """Return the scale that all dimensions share outside of training.

        Returns
        -------
        tf.Tensor
            Scalar; for "optimal", 1 until a batch was seen.

        Raises
        ------
        ValueError
            If the scale is per dimension.
        """
        if self.scale == "per_dimension":
            raise ValueError(
                '`shared_scale` must not be called with scale="per_dimension": each dimension has its own.'
            )
        if self.scale == "learned":
            return softly_bounded(self.raw_log_scale, self.minimum_scale)
        if self.scale == "optimal":
            average, weight = tf.convert_to_tensor(self.average), tf.convert_to_tensor(self.average_weight)
            squared = tf.where(weight > 0, tf.math.divide_no_nan(average, weight), 1.0)
            return tf.maximum(tf.sqrt(squared), self.minimum_scale)
        return tf.constant(self.scale, self.variable_dtype)

    def calibrate(self, squared_errors: Iterable[tuple[Any, Any]]) -> None:
        """Store the optimal scale of a whole data set, from its squared errors."""
        if self.scale != "optimal":
            return super().calibrate(squared_errors)
        total, count = 0.0, 0.0
        for squared_error, size in squared_errors:
            total, count = total + float(squared_error), count + float(size)
        if count == 0:
            raise ValueError("`data` must hold at least one example to calibrate on. Received: none")
        self.average.assign(total / count)
        self.average_weight.assign(1.0)

    def squared_error(self, record: Inference) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the weighted sum of a record's squared errors, averaged over samples, and the sum of their weights.

        Parameters
        ----------
        record : Inference
            One pass through the model.

        Returns
        -------
        tuple of tf.Tensor
            Two scalars.
        """
        event = self.observe(record.batch.event)
        squared_errors, weights = self._errors(record.parameters, event, record.batch.mask, record.batch.sample_weight)
        return tf.reduce_sum(weights * squared_errors), tf.reduce_sum(weights)

    def fit_batch(
        self,
        parameters: dict[str, tf.Tensor],
        event: tf.Tensor,
        *,
        mask: tf.Tensor | None = None,
        sample_weight: tf.Tensor | None = None,
        training: bool = False,
    ) -> dict[str, tf.Tensor]:
        """Take the optimal scale from the global batch while training, and remember it in the moving average.

        The scale is not differentiated: its gradient is zero at the optimum.
        """
        if self.scale != "optimal" or not training:
            return parameters
        errors, weights = self._errors(parameters, event, mask, sample_weight)
        count = global_sum(tf.reduce_sum(weights))
        batch = tf.math.divide_no_nan(global_sum(tf.reduce_sum(weights * errors)), count)
        # A batch without weight has no squared error to remember.
        gain = (1.0 - _MOMENTUM) * tf.cast(count > 0, batch.dtype)
        self.average.assign((1.0 - gain) * self.average + gain * batch)
        self.average_weight.assign((1.0 - gain) * self.average_weight + gain)
        return {**parameters, "scale": tf.maximum(tf.sqrt(batch), self.minimum_scale)}

    def elements(self, parameters: dict[str, tf.Tensor]) -> tfp.distributions.Distribution:
        """Build the Gaussian of each element from `mean` and `scale`."""
        return Normal(parameters["mean"], parameters["scale"])

    def mean(self, parameters: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the mean."""
        return parameters["mean"]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "scale": self.scale, "minimum_scale": self.minimum_scale}

    def _errors(self, parameters, event, mask, sample_weight):
        """Return squared errors averaged over samples, and their weights, both of shape (batch, *event_shape)."""
        errors = tf.math.squared_difference(event, parameters["mean"])
        weights, rank = tf.ones_like(event), len(event.shape)
        for factor in (mask, sample_weight):
            if factor is not None:
                weights *= right_aligned(tf.cast(factor, event.dtype), rank)
        return tf.reduce_mean(errors, axis=list(range(len(errors.shape) - rank))), weights


def softly_bounded(raw, minimum):
    """Return the scale minimum + exp(raw), by log scale = log minimum + softplus(raw - log minimum)."""
    raw = tf.convert_to_tensor(raw)
    log_minimum = tf.math.log(tf.constant(minimum, raw.dtype))
    # Not above exp(20), 4.9e8: exp(89) is infinite.
    return tf.exp(log_minimum + tf.nn.softplus(bounded(raw, -math.inf, _MAXIMUM_LOG_SCALE) - log_minimum))
