"""The reparameterization trick as a layer."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_vae.core import Settled, as_seed, fold_in, register, replica_id, resolve_seed, standard_normal


@register
class Sampling(Settled, keras.layers.Layer):
    """Draw z = mean + exp(log_var / 2) * eps with eps ~ N(0, I) (Kingma & Welling 2014, section 2.4).

    The noise is independent of the inputs, so gradients reach `mean` and `log_var`. Each replica of a `tf.distribute`
    strategy draws its own noise. Everything is computed in the variables' precision (float32 under mixed precision),
    because exp(12) is already infinite in float16.

    Parameters
    ----------
    seed : int, optional
        Seed of the layer's own stream, which moves on with each call and is saved with the layer.
    **kwargs
        Passed to `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If `seed` is not an integer from 0 to 2**31 - 1.

    Examples
    --------
    >>> z = Sampling(seed=0)([tf.zeros([4, 2]), tf.zeros([4, 2])])
    >>> z.shape
    TensorShape([4, 2])
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.seed = None if seed is None else resolve_seed(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)
        self.built = True

    def call(
        self, inputs: Sequence[tf.Tensor], num_samples: int | None = None, seed: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Sample.

        Parameters
        ----------
        inputs : pair of tf.Tensor
            `[mean, log_var]`, each of shape (..., latent_dim); log_var is the natural logarithm of the variance.
        num_samples : int, optional
            Number of samples for each mean; a leading axis is added for them. None draws one, without that axis.
        seed : tf.Tensor, optional
            Shape (2,): a stateless seed that replaces the layer's own stream, so that the result is a pure function
            of it (and of the replica). XLA draws other numbers from it than TensorFlow does. Or (batch, 2): a seed for
            each row, whose noise is a pure function of that row's seed.

        Returns
        -------
        tf.Tensor
            Shape (..., latent_dim), or (num_samples, ..., latent_dim).

        Raises
        ------
        ValueError
            If mean and log_var differ in shape: broadcasting would share noise between examples.
        """
        mean, log_var = (tf.cast(value, self.variable_dtype) for value in inputs)
        if not mean.shape.is_compatible_with(log_var.shape):
            raise ValueError(
                "`mean` and `log_var` must have one shape. "
                f"Received: shapes {tuple(mean.shape)} and {tuple(log_var.shape)}"
            )
        shape = tf.shape(mean)
        if num_samples is not None:
            shape = tf.concat([[num_samples], shape], axis=0)
        seed = fold_in(self.seed_generator.next() if seed is None else as_seed(seed), replica_id())
        eps = standard_normal(shape, seed, mean.dtype)
        return mean + tf.exp(0.5 * log_var) * eps

    def compute_output_spec(self, inputs, num_samples=None, seed=None):
        """Return the symbolic output, so that the layer serves in functional models."""
        mean = inputs[0]
        shape = tuple(mean.shape) if num_samples is None else (num_samples, *mean.shape)
        return keras.KerasTensor(shape, dtype=self.variable_dtype)

    def save_own_variables(self, store):
        """Save the stream's position: Keras does not, and a resumed run would repeat its noise."""
        store["seed_state"] = keras.ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store):
        """Restore the stream's position."""
        self.seed_generator.state.assign(np.asarray(store["seed_state"]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}
