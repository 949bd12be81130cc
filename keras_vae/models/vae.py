"""The flat variational autoencoder, put together from parts."""

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
from keras_vae.priors import Prior, StandardNormal


@register
class VAE(LatentVariableModel):
    """A variational autoencoder (Kingma & Welling 2014): x -> q(z|x) -> z -> p(x|z), one latent vector for each x.

    Parameters
    ----------
    encoder : keras.layers.Layer or keras.Model
        From x to features.
    posterior : Posterior
        From features to q(z|x); owns the latent dimension.
    decoder : keras.layers.Layer or keras.Model
        From z to features.
    likelihood : Likelihood
        From features to p(x|z); owns the event shape.
    prior : Prior, optional
        p(z); `StandardNormal()` by default.
    objective : Objective, optional
        What is minimised; `ELBO()` by default.
    seed : int, optional
        Seed of the noise; a fresh one by default. Two models with one seed and one initialization train alike.
    **kwargs
        Passed to `keras.Model`.

    Raises
    ------
    TypeError
        If a part is not of its kind.
    ValueError
        If parts do not fit together: an elbo of a deterministic code, or a decoder of another event shape.

    Examples
    --------
    >>> vae = VAE(
    ...     encoder=keras_vae.networks.MLPEncoder((500, 500)),
    ...     posterior=keras_vae.posteriors.DiagonalGaussian(latent_dim=40),
    ...     decoder=keras_vae.networks.MLPDecoder((500, 500)),
    ...     likelihood=keras_vae.likelihoods.Bernoulli(event_shape=(28, 28, 1)),
    ... )
    >>> vae.compile(optimizer="adam")
    """

    part_names = ("encoder", "posterior", "decoder", "likelihood", "prior", "objective")

    def __init__(self, *, encoder, posterior, decoder, likelihood, prior=None, objective=None, seed=None, **kwargs):
        objective = ELBO() if objective is None else objective
        super().__init__(objective=objective, seed=seed, **kwargs)
        trunk = "a Keras layer or model"
        self.encoder = check_instance("encoder", encoder, keras.layers.Layer, trunk)
        self.posterior = check_instance("posterior", posterior, Posterior, "a `keras_vae.posteriors.Posterior`")
        self.decoder = check_instance("decoder", decoder, keras.layers.Layer, trunk)
        self.likelihood = check_instance("likelihood", likelihood, Likelihood, "a `keras_vae.likelihoods.Likelihood`")
        prior = StandardNormal(dtype=self.dtype_policy) if prior is None else prior
        self.prior = check_instance("prior", prior, Prior, "a `keras_vae.priors.Prior`")
        if objective.needs_density and not posterior.is_distribution:
            raise ValueError(
                f"`posterior` must have a density for the objective {type(objective).__name__}; for a plain "
                f"autoencoder take the objective `Reconstruction()`. Received: {type(posterior).__name__}"
            )
        if hasattr(decoder, "resolve_event_shape"):
            decoder.resolve_event_shape(likelihood.event_shape)
        if hasattr(prior, "resolve_x_shape"):
            prior.resolve_x_shape(likelihood.x_shape)

    @property
    def latent_dim(self):
        """The number of latent dimensions."""
        return self.posterior.latent_dim

    @property
    def inference_parts(self):
        """The encoder and the posterior, for objectives that treat their variables apart; files name weights by it."""
        return (self.encoder, self.posterior)

    def build(self, input_shape=None):
        """Build all parts from the likelihood's event shape, by a symbolic pass."""
        x = keras.KerasTensor((None, *self.likelihood.x_shape), dtype=self.variable_dtype)
        self.posterior(self.encoder(x))
        z = keras.KerasTensor((None, self.latent_dim), dtype=self.variable_dtype)
        if not self.prior.built:
            self.prior.build(z.shape)
        self.likelihood(self.decoder(z))

    def call(self, x, training=False):
        """Reconstruct: the likelihood's mean at the posterior's mean.

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
        return self._decode(self._encode(x, training=training), training=training)

    def infer(self, x, *, condition=None, num_samples=1, training=False, seed=None, sample_weight=None):
        """Make the record of one pass: posterior, samples, prior and likelihood.

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
            With one latent, whose `z` has shape (num_samples, batch, latent_dim).

        Raises
        ------
        ValueError
            If x has the wrong shape, `num_samples` < 1, or a condition is given.
        """
        x = self._checked_observations(x, condition, num_samples)
        parameters = self._posterior_parameters(x, training)
        seed = self._noise.next() if seed is None else seed
        z = self.posterior.sample(parameters, num_samples, as_seed(seed))
        observed = self.likelihood.observe(x)
        likelihood_parameters = self.likelihood.fit_batch(
            self._likelihood_parameters(z, training), observed, sample_weight, training
        )
        latent = Latent(
            z, self.posterior.distribution(parameters), self.prior.distribution(posterior_of=self.posterior_of)
        )
        likelihood = self.likelihood.distribution(likelihood_parameters)
        return Inference(observed, likelihood, (latent,), sample_weight=sample_weight)

    def posterior_of(self, x):
        """Return q(z|x) as a distribution.

        Parameters
        ----------
        x : tf.Tensor or array_like
            Shape (batch, *event_shape).

        Returns
        -------
        tfp.distributions.Distribution
            Of batch shape (batch,) and event shape (latent_dim,).
        """
        x = self._checked_observations(x)
        return self.posterior.distribution(self._posterior_parameters(x, training=False))

    def latent_posteriors(self, x):
        """Return the distributions whose means `encode` returns.

        Parameters
        ----------
        x : tf.Tensor or array_like
            Shape (batch, *event_shape).

        Returns
        -------
        tuple of tfp.distributions.Distribution
            q(z|x) alone.
        """
        return (self.posterior_of(x),)

    def encode(self, x, *, batch_size=128):
        """Return the posterior mean, E_q[z].

        Parameters
        ----------
        x : array_like
            Shape (n, *event_shape).
        batch_size : int
            Examples at a time; memory is bounded by it.

        Returns
        -------
        numpy.ndarray
            Shape (n, latent_dim).
        """
        self._ensure_built()
        return self._verbs.run(self._encode, [self._rule().check(x)], self.variable_dtype, batch_size)

    def decode(self, z, *, batch_size=128):
        """Return the likelihood's mean, E[x|z].

        Parameters
        ----------
        z : array_like
            Shape (n, latent_dim).
        batch_size : int
            Examples at a time; memory is bounded by it.

        Returns
        -------
        numpy.ndarray
            Shape (n, *event_shape).

        Raises
        ------
        ValueError
            If z has another shape.
        """
        self._ensure_built()
        z = np.asarray(z)
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"`z` must have shape (n, {self.latent_dim}). Received: shape {z.shape}")
        return self._verbs.run(self._decode, [z], self.variable_dtype, batch_size)

    def _posterior_parameters(self, x, training):
        return self.posterior(self.encoder(tf.cast(x, self.variable_dtype), training=training))

    def _encode(self, x, training=False):
        return self._posterior_parameters(x, training)["mean"]

    def _decode(self, z, training=False):
        return self.likelihood.mean(self.likelihood(self.decoder(z, training=training)))

    def _sample_prior(self, seed, num_samples):
        return (self.prior.sample(num_samples, seed=fold_in(seed, GENERATION), posterior_of=self.posterior_of),)

    def _likelihood_parameters(self, z, training):
        """Decode samples of shape (num_samples, batch, latent_dim), folded into one batch for the decoder."""
        folded = tf.reshape(z, [-1, self.latent_dim])
        return self._unfold(self.likelihood(self.decoder(folded, training=training)), z)
