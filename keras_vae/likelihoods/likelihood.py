"""The contract of a likelihood, and the projection that all of them share."""

import abc
import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import Layer, Settled, Values, as_initializer, check_choice, check_shape, right_aligned

_MISSING = "If NaN stands for what is missing, make the model with `missing=True`"


class Likelihood(Settled, Layer, abc.ABC):
    """p(x|z): projects a decoder's features to parameters and builds the distribution over events.

    With `projection="auto"`, features of shape (batch, *event_shape[:-1], channels) are projected point by point (a
    1 x 1 convolution, in effect); features of another rank than the event's are flattened, projected and reshaped.
    With `projection=None` the decoder's output is the parameter itself.

    Subclasses set `numbers_per_element` and implement `split`, `mean`, and `elements` or, where elements are not
    independent given z, `distribution`. For events of categories they implement `mode`.

    Parameters
    ----------
    event_shape : tuple of int
        Shape of one observation: an image (height, width, channels), a vector (d,) or a sequence (time, channels).
    projection : {"auto", None}
        Whether features are projected.
    kernel_initializer : str or keras.initializers.Initializer
        How the projection's weights begin.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range, or the decoder's output does not fit `projection=None`.
    """

    support: tuple[float, float] | None = None
    """The lowest and the highest value of an observation, if they are bounded."""

    integer_valued: bool = False
    """Whether observations are whole numbers."""

    one_hot: bool = False
    """Whether the last axis of an observation holds the code of a category: one 1, and zeros."""

    is_discrete: bool = False
    """Whether p(x|z) is a probability rather than a density."""

    takes_logits: bool = False
    """Whether the parameters are logits, which a decoder must not have passed through a sigmoid or a softmax."""

    numbers_per_element: int = 1
    """How many numbers the projection gives for each element of an event."""

    def __init__(
        self,
        event_shape: Sequence[int],
        *,
        projection: Literal["auto"] | None = "auto",
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ):
        super().__init__(autocast=False, **kwargs)  # parameters keep the variables' precision
        self.event_shape = check_shape("event_shape", event_shape)
        self.projection = check_choice("projection", projection, ("auto", None))
        self.kernel_initializer = as_initializer(kernel_initializer)
        self._dense: Any = None

    @property
    def x_shape(self) -> tuple[int, ...]:
        """The shape of one observation as it is fed; the event's, except for one-hot codes."""
        return self.event_shape

    @property
    def event_size(self) -> int:
        """The number of elements in an event."""
        return math.prod(self.event_shape)

    @property
    def working_numbers(self) -> int:
        """How many numbers are held at a time for one sample of one event; evaluation plans its memory by it."""
        return self.event_size * self.numbers_per_element

    @property
    def scores_elements(self) -> bool:
        """Whether log p(x|z) is a sum over elements, so that a mask may leave some out."""
        return type(self).elements is not Likelihood.elements

    @property
    def values(self) -> Values:
        """What observations must be like: a `keras_vae.core.Values`."""
        return Values(
            shape=self.x_shape,
            support=self.support,
            integer=self.integer_valued,
            one_hot=self.one_hot,
            owner=f"the likelihood {type(self).__name__}",
            remedy=_MISSING if self.scores_elements else "",
        )

    @abc.abstractmethod
    def split(self, projected: tf.Tensor) -> dict[str, tf.Tensor]:
        """Turn the projection's output into named parameters.

        Parameters
        ----------
        projected : tf.Tensor
            Shape (batch, *event_shape, numbers_per_element).

        Returns
        -------
        dict of tf.Tensor
            Each with the leading axis (batch,), or a scalar that all examples share.
        """

    def elements(self, parameters: dict[str, tf.Tensor]) -> tfp.distributions.Distribution:
        """Build the distribution of single elements given z.

        Parameters
        ----------
        parameters : dict of tf.Tensor
            What `split` made, possibly with further leading axes.

        Returns
        -------
        tfp.distributions.Distribution
            Of batch shape (..., *event_shape) and event shape (), or (categories,) for one-hot codes.
        """
        raise NotImplementedError(f"`{type(self).__name__}` must implement `elements` or `distribution`.")

    def distribution(self, parameters: dict[str, tf.Tensor]) -> tfp.distributions.Distribution:
        """Build p(x|z).

        Parameters
        ----------
        parameters : dict of tf.Tensor
            What `split` made, possibly with further leading axes.

        Returns
        -------
        tfp.distributions.Distribution
            Of the leading axes as its batch shape and of event shape `event_shape`.
        """
        return tfp.distributions.Independent(self.elements(parameters), len(self.event_shape))

    def log_prob(self, parameters: dict[str, tf.Tensor], event: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Return log p(x|z), summed over what is observed.

        Parameters
        ----------
        parameters : dict of tf.Tensor
            What `split` made, possibly with further leading axes.
        event : tf.Tensor
            What `observe` returned, of shape (batch, ...).
        mask : tf.Tensor, optional
            1 where an element is observed; of the event's shape, or the beginning of it, after the batch.

        Returns
        -------
        tf.Tensor
            Of the leading axes, in nats.

        Raises
        ------
        ValueError
            If there is a mask and elements are not scored one by one.
        """
        if mask is None:
            return self.distribution(parameters).log_prob(event)
        if not self.scores_elements:
            raise ValueError(
                f"`mask` must be left out for the likelihood {type(self).__name__}, which does not score single "
                "elements. Received: a mask"
            )
        log_probs = self.elements(parameters).log_prob(event)  # (..., *event_shape)
        observed = tf.cast(right_aligned(mask, len(self.event_shape) + 1), tf.bool)
        log_probs = tf.where(observed, log_probs, tf.zeros([], log_probs.dtype))
        return tf.reduce_sum(log_probs, axis=list(range(-len(self.event_shape), 0)))

    def sample(self, parameters: dict[str, tf.Tensor], seed: tf.Tensor) -> tf.Tensor:
        """Draw x from p(x|z), in the form in which observations are fed.

        Parameters
        ----------
        parameters : dict of tf.Tensor
            What `split` made.
        seed : tf.Tensor
            Shape (2,): a stateless seed.

        Returns
        -------
        tf.Tensor
            Shape (batch, *x_shape).
        """
        return tf.cast(self.distribution(parameters).sample(seed=seed), self.variable_dtype)

    def mode(self, parameters: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the most probable event, for events of categories.

        Parameters
        ----------
        parameters : dict of tf.Tensor
            What `split` made.

        Returns
        -------
        tf.Tensor
            Shape (batch, *x_shape).

        Raises
        ------
        ValueError
            If x is not discrete.
        """
        if not self.is_discrete:
            raise ValueError(f"`mode` must be called on a discrete likelihood. Received: {type(self).__name__}")
        return tf.cast(self.distribution(parameters).mode(), self.variable_dtype)

    def expected(self, parameters: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return what `decode`, `reconstruct` and `generate` return: the mean, unless that can't be an observation.

        Parameters
        ----------
        parameters : dict of tf.Tensor
            What `split` made.

        Returns
        -------
        tf.Tensor
            Shape (batch, *x_shape).
        """
        return self.mean(parameters)

    def averaged(self, parameters: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return what is averaged over z where x is not observed: `expected`, unless an average of that means nothing.

        Parameters
        ----------
        parameters : dict of tf.Tensor
            What `split` made, possibly with further leading axes.

        Returns
        -------
        tf.Tensor
            Shape (..., *x_shape), or with a further axis.
        """
        return self.expected(parameters)

    def decided(self, average: tf.Tensor) -> tf.Tensor:
        """Return the observation that an average over z of `averaged` stands for.

        Parameters
        ----------
        average : tf.Tensor
            Of the shape of what `averaged` returned.

        Returns
        -------
        tf.Tensor
            Shape (..., *x_shape).
        """
        return average

    @abc.abstractmethod
    def mean(self, parameters: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return E[x|z].

        Parameters
        ----------
        parameters : dict of tf.Tensor
            What `split` made.

        Returns
        -------
        tf.Tensor
            Shape (batch, *event_shape).
        """

    def observe(self, x: tf.Tensor) -> tf.Tensor:
        """Cast observations to what `distribution(...).log_prob` takes.

        Parameters
        ----------
        x : tf.Tensor
            Shape (batch, *x_shape).

        Returns
        -------
        tf.Tensor
        """
        return tf.cast(x, self.variable_dtype)

    def fit_batch(
        self,
        parameters: dict[str, tf.Tensor],
        event: tf.Tensor,
        *,
        mask: tf.Tensor | None = None,
        sample_weight: tf.Tensor | None = None,
        training: bool = False,
    ) -> dict[str, tf.Tensor]:
        """Adapt parameters that are estimated from the batch itself, such as an optimal scale.

        Parameters
        ----------
        parameters : dict of tf.Tensor
            What `split` made, with the leading axes (num_samples, batch).
        event : tf.Tensor
            Shape (batch, *event_shape).
        mask : tf.Tensor, optional
            As in `log_prob`.
        sample_weight : tf.Tensor, optional
            Shape (batch,).
        training : bool
            Outside of training nothing may depend on the batch.

        Returns
        -------
        dict of tf.Tensor
        """
        return parameters

    def calibrate(self, squared_errors: Iterable[tuple[Any, Any]]) -> None:
        """Set from a whole data set what `fit_batch` estimates from batches: an optimal scale.

        Parameters
        ----------
        squared_errors : iterable of pair of float
            For each batch the sum of its squared errors and how many elements were summed.

        Raises
        ------
        ValueError
            If the likelihood estimates nothing from the data.
        """
        raise ValueError(
            '`calibrate` must be called on a model whose likelihood is `Gaussian(scale="optimal")`. '
            f"Received: {type(self).__name__}"
        )

    def build(self, input_shape: Sequence[Any]) -> None:
        """Build the projection for features of shape (batch, ...)."""
        features = tuple(input_shape[1:])
        numbers = self.numbers_per_element
        if self.projection is None:
            if features not in self._direct_shapes():
                expected = ", ".join(["batch", *map(str, self._direct_shapes()[0])])
                raise ValueError(
                    f"The decoder's output must have shape ({expected}) for "
                    f"`{type(self).__name__}(event_shape={self.event_shape}, projection=None)`. "
                    f"Received: shape {tuple(input_shape)}"
                )
            return
        if features[:-1] == self.event_shape[:-1]:
            self._dense_input = features
            units = self.event_shape[-1] * numbers
        else:
            if len(features) == len(self.event_shape):
                # A dense layer between two maps of different size is rarely intended, and often huge.
                raise ValueError(
                    f"The decoder's output must have shape (batch, {', '.join(map(str, self.event_shape[:-1]))}, "
                    f"channels) for events of shape {self.event_shape}: crop or pad it to that size, or flatten it "
                    f"where a dense layer is meant. Received: shape {tuple(input_shape)}"
                )
            self._dense_input = (math.prod(features),)
            units = self.event_size * numbers
        self._dense = keras.layers.Dense(
            units, kernel_initializer=self.kernel_initializer, dtype=self.variable_dtype, name="projection"
        )
        self._dense.trainable = self.trainable  # what is made here does not know that its owner was frozen before
        self._dense.build((None, *self._dense_input))

    def call(self, features: tf.Tensor) -> dict[str, tf.Tensor]:
        """Project features to parameters.

        Parameters
        ----------
        features : tf.Tensor
            Shape (batch, ...): a decoder's output.

        Returns
        -------
        dict of tf.Tensor
            The parameters, as `split` names them.
        """
        if self._dense is not None:
            features = self._dense(tf.reshape(features, [-1, *self._dense_input]))
        shape = [-1, *self.event_shape, self.numbers_per_element]
        return self.split(tf.cast(tf.reshape(features, shape), self.variable_dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "event_shape": self.event_shape,
            "projection": self.projection,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }

    def _direct_shapes(self):
        """Return the shapes that a decoder's output may have without a projection, the preferred one first."""
        numbers = self.numbers_per_element
        return [self.event_shape] if numbers == 1 else [(*self.event_shape, numbers)]
