"""The variational mixture of posteriors."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from numpy.typing import ArrayLike

from keras_vae.core import Values, check_integer, check_number, check_range, check_shape, register, resolve_seed
from keras_vae.priors.diagonal_gaussian_mixture import DiagonalGaussianMixture
from keras_vae.priors.prior import Prior

tfd = tfp.distributions


@register
class VampPrior(Prior):
    """p(z) = 1/K sum_k q(z|u_k), the mixture of the posteriors of K pseudo-inputs (Tomczak & Welling 2018, eq. 9).

    The prior owns only the pseudo-inputs u_k; the model passes it the posterior. They are weights clipped to the range
    of observations: in the paper a bias-free linear map of one-hot codes with a hardtanh, which is the same. They pass
    through the encoder as in inference: batch normalisation uses its running moments and does not learn from them, and
    dropout is off, so that what is trained is the prior that is evaluated.

    There is no closed form for the KL divergence: use `ELBO(kl="monte_carlo")`.

    Parameters
    ----------
    num_components : int
        The number K of pseudo-inputs, at least 1. Each training step encodes all of them.
    learned : bool
        Whether training changes them.
    mean, stddev : float
        They begin as draws from N(mean, stddev^2). See also `from_data`.
    value_range : pair of float, optional
        The lowest and the highest value of an observation; None for no limits.
    x_shape : tuple of int, optional
        Shape of one observation. A model fills it in from its likelihood.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range, or `x_shape` is unknown or conflicts with the likelihood's.
    """

    needs_posterior = True
    _filled_in = ("latent_dim", "x_shape")

    def __init__(
        self,
        num_components: int = 500,
        *,
        learned: bool = True,
        mean: float = 0.05,
        stddev: float = 0.01,
        value_range: Sequence[float] | None = (0.0, 1.0),
        x_shape: Sequence[int] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.num_components = check_integer("num_components", num_components, minimum=1)
        self.learned = bool(learned)
        self.mean = check_number("mean", mean)
        self.stddev = check_number("stddev", stddev, minimum=0.0)
        self.value_range = None if value_range is None else check_range("value_range", value_range)
        self.x_shape = None if x_shape is None else check_shape("x_shape", x_shape)
        self._initializer = keras.initializers.RandomNormal(self.mean, self.stddev)

    @classmethod
    def from_data(
        cls,
        x: ArrayLike,
        num_components: int = 500,
        *,
        seed: int | None = None,
        value_range: Sequence[float] | None = (0.0, 1.0),
        **kwargs: Any,
    ) -> Self:
        """Make a prior whose pseudo-inputs begin as observations, drawn without replacement.

        They are saved with the weights; the config alone rebuilds a prior that begins at random.

        Parameters
        ----------
        x : array_like
            Shape (n, *x_shape): observations, the training set's usually, on the scale that the model gets.
        num_components : int
            How many to draw, at most n.
        seed : int, optional
            Seed of the draw; a fresh one by default.
        value_range : pair of float, optional
            As in the constructor.
        **kwargs
            The constructor's other arguments, such as `learned=False` for pseudo-inputs that stay as they are.

        Returns
        -------
        VampPrior

        Raises
        ------
        ValueError
            If x has fewer rows than `num_components`, is not finite or is not within `value_range`.
        """
        values = np.asarray(x)
        support = None if value_range is None else tuple(value_range)
        Values(shape=values.shape[1:], support=support, owner="the pseudo-inputs").check(values)
        prior = cls(num_components, value_range=value_range, x_shape=values.shape[1:], **kwargs)
        if prior.num_components > len(values):
            raise ValueError(
                f"`num_components` must be at most the number of observations, {len(values)}. "
                f"Received: num_components={num_components!r}"
            )
        rows = np.random.default_rng(resolve_seed(seed)).choice(len(values), prior.num_components, replace=False)
        prior._initializer = lambda shape, dtype: tf.cast(values[rows], dtype)
        return prior

    def resolve_x_shape(self, x_shape: Sequence[int]) -> None:
        """Take the shape of an observation from the likelihood; called by the model around the prior.

        Parameters
        ----------
        x_shape : tuple of int
            What the likelihood, and so the encoder, is fed.

        Raises
        ------
        ValueError
            If the prior was given another one.
        """
        x_shape = check_shape("x_shape", x_shape)
        if self.x_shape is not None and self.x_shape != x_shape:
            raise ValueError(
                f"`VampPrior(x_shape=...)` must agree with the likelihood's {x_shape}. Received: x_shape={self.x_shape}"
            )
        self.x_shape = x_shape

    def build(self, input_shape: Sequence[Any]) -> None:
        """Make the pseudo-inputs."""
        super().build(input_shape)
        if self.x_shape is None:
            raise ValueError(
                "`x_shape` must be known before a `VampPrior` is built: put it into a model, or pass it. "
                "Received: x_shape=None"
            )
        self.unclipped = self.add_weight(
            shape=(self.num_components, *self.x_shape),
            initializer=self._initializer,
            trainable=self.learned,
            autocast=False,
            name="pseudo_inputs",
        )

    @property
    def pseudo_inputs(self) -> tf.Tensor:
        """The pseudo-inputs, a tensor of shape (num_components, *x_shape)."""
        self.event_shape()
        values = tf.convert_to_tensor(self.unclipped)
        return values if self.value_range is None else tf.clip_by_value(values, *self.value_range)

    def distribution(
        self,
        posterior_of: Callable[[Any], Any] | None = None,
        condition: tf.Tensor | list[tf.Tensor] | None = None,
        training: bool = False,
    ) -> tfp.distributions.Distribution:
        """Build the mixture of the posteriors of all pseudo-inputs, which are encoded here, once for each call."""
        components = self._encode(self.pseudo_inputs, posterior_of)
        is_factorized = isinstance(components, tfd.Independent) and isinstance(components.distribution, tfd.Normal)
        mixture = DiagonalGaussianMixture if is_factorized else tfd.MixtureSameFamily
        return mixture(tfd.Categorical(logits=tf.zeros([self.num_components], components.dtype)), components)

    def sample(
        self,
        num_samples: int | tf.Tensor,
        *,
        seed: tf.Tensor,
        posterior_of: Callable[[Any], Any] | None = None,
        condition: tf.Tensor | list[tf.Tensor] | None = None,
    ) -> tf.Tensor:
        """Draw a pseudo-input for each sample, and z from its posterior; no other pseudo-input is encoded."""
        component_seed, noise_seed = tfp.random.split_seed(seed, salt="VampPrior")
        component = tf.random.stateless_uniform([num_samples], component_seed, 0, self.num_components, tf.int32)
        return self._encode(tf.gather(self.pseudo_inputs, component), posterior_of).sample(seed=noise_seed)

    def _encode(self, pseudo_inputs, posterior_of):
        if posterior_of is None:
            raise ValueError(
                "`posterior_of` must be a function from observations to q(z|x), which a model passes: call "
                "`distribution(posterior_of=vae.posterior_of)`. Received: posterior_of=None"
            )
        return posterior_of(pseudo_inputs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer, the resolved shape among them."""
        return {
            **super().get_config(),
            "num_components": self.num_components,
            "learned": self.learned,
            "mean": self.mean,
            "stddev": self.stddev,
            "value_range": self.value_range,
            "x_shape": self.x_shape,
        }
