"""The VAE with several levels of latent variables."""

import keras
import numpy as np
import tensorflow as tf

from keras_vae.core import (
    Inference,
    Latent,
    as_seed,
    check_instance,
    fold_in,
    register,
)
from keras_vae.likelihoods import Likelihood
from keras_vae.models.latent_variable_model import LatentVariableModel
from keras_vae.models.training_steps import GENERATION
from keras_vae.objectives import ELBO
from keras_vae.posteriors import Posterior
from keras_vae.priors import Prior


@register
class HierarchicalVAE(LatentVariableModel):
    """A VAE with L levels of latent variables, inferred and generated from the top down.

    `q(z|x) = q(z_L|x) q(z_{L-1}|x, z_L) ... q(z_1|x, z_2)`,
    `p(x, z) = p(z_L) p(z_{L-1}|z_L) ... p(z_1|z_2) p(x|z_1, ..., z_L)` (Tomczak & Welling 2018, section 4, for L = 2).

    Everything that is one thing for each level is given, kept and returned bottom-up, z_1 first.

    Parameters
    ----------
    encoders : sequence of keras.layers.Layer
        From x to features for the top level, from `[x, z_above]` for each other. One with the attribute `repeats_rows`
        gets each x once for all its samples of z_above, others get it once for each.
    posteriors : sequence of Posterior
        From features to each level's q; they own the latent dimensions.
    priors : sequence of Prior
        Each level's prior: `ConditionalGaussian` for all but the top one.
    decoder : keras.layers.Layer
        From `[z_1, ..., z_L]` to features.
    likelihood : Likelihood
        From features to p(x|z_1, ..., z_L).
    objective : Objective, optional
        What is minimised; `ELBO()` by default.
    seed : int, optional
        Seed of the noise; a fresh one by default.
    **kwargs
        Passed to `keras.Model`.

    Raises
    ------
    TypeError
        If a part is not of its kind.
    ValueError
        If there are fewer than two levels, or not as many parts for each.
    """

    part_names = ("decoder", "likelihood", "objective")
    sequence_names = ("encoders", "posteriors", "priors")

    def __init__(self, *, encoders, posteriors, priors, decoder, likelihood, objective=None, seed=None, **kwargs):
        super().__init__(objective=ELBO() if objective is None else objective, seed=seed, **kwargs)
        trunk = "a Keras layer or model"
        kinds = {
            "encoders": (encoders, keras.layers.Layer, trunk),
            "posteriors": (posteriors, Posterior, "a `keras_vae.posteriors.Posterior`"),
            "priors": (priors, Prior, "a `keras_vae.priors.Prior`"),
        }
        for name, (parts, kind, expected) in kinds.items():
            parts = [check_instance(f"{name}[{level}]", part, kind, expected) for level, part in enumerate(parts)]
            setattr(self, name, parts)
        sizes = [len(getattr(self, name)) for name in self.sequence_names]
        if len(set(sizes)) != 1 or sizes[0] < 2:
            raise ValueError(
                "`encoders`, `posteriors` and `priors` must have one part for each of at least two levels. "
                f"Received: {sizes[0]}, {sizes[1]} and {sizes[2]} parts"
            )
        for posterior in self.posteriors:
            if not posterior.is_distribution:
                raise ValueError(f"`posteriors` must have densities. Received: {type(posterior).__name__}")
        self.decoder = check_instance("decoder", decoder, keras.layers.Layer, trunk)
        self.likelihood = check_instance("likelihood", likelihood, Likelihood, "a `keras_vae.likelihoods.Likelihood`")
        if hasattr(decoder, "resolve_event_shape"):
            decoder.resolve_event_shape(likelihood.event_shape)
        if hasattr(self.priors[-1], "resolve_x_shape"):
            self.priors[-1].resolve_x_shape(likelihood.x_shape)

    @property
    def latent_dim(self):
        """The number of latent dimensions of each level, bottom-up."""
        return tuple(posterior.latent_dim for posterior in self.posteriors)

    @property
    def inference_parts(self):
        """The encoders, then the posteriors, for objectives that treat their variables apart.

        Files name weights by it, as Keras stores layers under the first property that has them.
        """
        return (*self.encoders, *self.posteriors)

    def build(self, input_shape=None):
        """Build all parts from the likelihood's event shape, by a symbolic pass."""
        x = keras.KerasTensor((None, *self.likelihood.x_shape), dtype=self.variable_dtype)
        z = [keras.KerasTensor((None, size), dtype=self.variable_dtype) for size in self.latent_dim]
        for level, (encoder, posterior, prior) in enumerate(self._levels()):
            is_top = level == len(z) - 1
            posterior(encoder(x if is_top else [x, z[level + 1]]))
            if not prior.built:
                prior.build(*([z[level].shape] if is_top else [z[level].shape, z[level + 1].shape]))
        self.likelihood(self.decoder(z))

    def call(self, x, training=False):
        """Reconstruct: the likelihood's mean at the posteriors' means.

        Parameters
        ----------
        x : tf.Tensor
            Shape (batch, *event_shape).
        training : bool
            Whether layers behave as in training.

        Returns
        -------
        tf.Tensor
            Shape (batch, *event_shape).
        """
        return self._decode(*self._encode(x, training=training), training=training)

    def infer(self, x, *, condition=None, num_samples=1, training=False, seed=None, sample_weight=None):
        """Make the record of one pass, with a latent for each level, bottom-up.

        Posterior and prior of the top level have the batch's shape; those below depend on the samples above them, and
        have the batch shape (num_samples, batch).

        Parameters
        ----------
        x : tf.Tensor or array_like
            Shape (batch, *event_shape).
        condition : None
            Conditions have their place here; this model takes none.
        num_samples : int
            Posterior samples for each example.
        training : bool
            Whether layers behave as in training.
        seed : int or tf.Tensor of shape (2,) or (batch, 2), optional
            Stateless seed of the noise, or one for each row. By default each call draws other noise.
        sample_weight : tf.Tensor, optional
            Shape (batch,): weights for averages over the batch.

        Returns
        -------
        Inference

        Raises
        ------
        ValueError
            If x has the wrong shape, `num_samples` < 1, or a condition is given.
        """
        x = self._checked_observations(x, condition, num_samples)
        seed = as_seed(self._noise.next() if seed is None else seed)
        latents, above = [], None
        for level, (encoder, posterior, prior) in reversed(list(enumerate(self._levels()))):
            level_seed = fold_in(seed, level)
            if above is None:
                parameters = self._top_parameters(x, training)
                z = posterior.sample(parameters, num_samples, level_seed)
                prior_distribution = prior.distribution(posterior_of=self.posterior_of)
            else:
                parameters = self._lower_parameters(encoder, posterior, x, above, training)
                z = posterior.sample(parameters, 1, level_seed)[0]
                prior_distribution = prior.distribution(condition=above)
            latents.insert(0, Latent(z, posterior.distribution(parameters), prior_distribution))
            above = z
        observed = self.likelihood.observe(x)
        parameters = self._likelihood_parameters([latent.z for latent in latents], training)
        parameters = self.likelihood.fit_batch(parameters, observed, sample_weight, training)
        return Inference(
            observed, self.likelihood.distribution(parameters), tuple(latents), sample_weight=sample_weight
        )

    def posterior_of(self, x):
        """Return q(z_L|x), the top level's posterior, as a distribution.

        Parameters
        ----------
        x : tf.Tensor or array_like
            Shape (batch, *event_shape).

        Returns
        -------
        tfp.distributions.Distribution
            Of batch shape (batch,) and event shape (latent_dim[-1],).
        """
        x = self._checked_observations(x)
        return self.posteriors[-1].distribution(self._top_parameters(x, training=False))

    def latent_posteriors(self, x):
        """Return the distributions whose means `encode` returns: each level's posterior at the mean of the level above.

        Parameters
        ----------
        x : tf.Tensor or array_like
            Shape (batch, *event_shape).

        Returns
        -------
        tuple of tfp.distributions.Distribution
            Bottom-up, of batch shape (batch,) and event shapes (latent_dim[level],).
        """
        parameters = self._parameters_at_means(self._checked_observations(x), training=False)
        return tuple(posterior.distribution(part) for posterior, part in zip(self.posteriors, parameters, strict=True))

    def encode(self, x, *, batch_size=128):
        """Return each level's posterior mean, given the mean of the level above.

        Parameters
        ----------
        x : array_like
            Shape (n, *event_shape).
        batch_size : int
            Examples at a time; memory is bounded by it.

        Returns
        -------
        tuple of numpy.ndarray
            Bottom-up, of shapes (n, latent_dim[level]).
        """
        self._ensure_built()
        return self._verbs.run(self._encode, [self._rule().check(x)], self.variable_dtype, batch_size)

    def decode(self, z, *, batch_size=128):
        """Return the likelihood's mean, E[x|z_1, ..., z_L].

        Parameters
        ----------
        z : sequence of array_like
            Bottom-up, of shapes (n, latent_dim[level]).
        batch_size : int
            Examples at a time; memory is bounded by it.

        Returns
        -------
        numpy.ndarray
            Shape (n, *event_shape).

        Raises
        ------
        ValueError
            If z is not one array of the right shape for each level.
        """
        self._ensure_built()
        z = [np.asarray(part) for part in z]
        expected = [(len(z[0]), size) for size in self.latent_dim] if z and z[0].ndim else []
        if not expected or [part.shape for part in z] != expected:
            raise ValueError(
                f"`z` must hold an array of shape (n, latent_dim) for each of latent_dim={self.latent_dim}. "
                f"Received: shapes {[part.shape for part in z]}"
            )
        return self._verbs.run(self._decode, z, self.variable_dtype, batch_size)

    def _levels(self):
        return list(zip(self.encoders, self.posteriors, self.priors, strict=True))

    def _top_parameters(self, x, training):
        features = self.encoders[-1](tf.cast(x, self.variable_dtype), training=training)
        return self.posteriors[-1](features)

    def _lower_parameters(self, encoder, posterior, x, above, training):
        """Infer a level for samples above it of shape (num_samples, batch, latent_dim), folded into one batch."""
        x = tf.cast(x, self.variable_dtype)
        if not getattr(encoder, "repeats_rows", False):
            x = tf.tile(x, tf.concat([tf.shape(above)[:1], tf.ones([x.shape.rank - 1], tf.int32)], axis=0))
        folded = tf.reshape(above, [-1, above.shape[-1]])
        return self._unfold(posterior(encoder([x, folded], training=training)), above)

    def _likelihood_parameters(self, z, training):
        folded = [tf.reshape(part, [-1, part.shape[-1]]) for part in z]
        return self._unfold(self.likelihood(self.decoder(folded, training=training)), z[0])

    def _encode(self, x, training=False):
        return tuple(parameters["mean"] for parameters in self._parameters_at_means(x, training))

    def _parameters_at_means(self, x, training):
        parameters = [self._top_parameters(x, training)]
        for encoder, posterior, _ in reversed(self._levels()[:-1]):
            features = encoder([tf.cast(x, self.variable_dtype), parameters[0]["mean"]], training=training)
            parameters.insert(0, posterior(features))
        return parameters

    def _decode(self, *z, training=False):
        return self.likelihood.mean(self.likelihood(self.decoder(list(z), training=training)))

    def _sample_prior(self, seed, num_samples):
        seed = fold_in(seed, GENERATION)
        top = len(self.priors) - 1
        z = [self.priors[top].sample(num_samples, seed=fold_in(seed, top), posterior_of=self.posterior_of)]
        for level in reversed(range(top)):
            z.insert(0, self.priors[level].distribution(condition=z[0]).sample(seed=fold_in(seed, level)))
        return tuple(z)
