"""The flat variational autoencoder, put together from parts."""

import keras
import numpy as np
import tensorflow as tf

from keras_vae.core import (
    FORMAT_VERSION,
    Inference,
    Latent,
    as_seed,
    check_format_version,
    check_instance,
    check_integer,
    deserialize,
    fold_in,
    register,
    resolve_seed,
    serialize,
)
from keras_vae.likelihoods import Likelihood
from keras_vae.models.latent_variable_model import LatentVariableModel
from keras_vae.models.training_steps import GENERATION
from keras_vae.models.verbs import CompiledVerbs
from keras_vae.objectives import ELBO
from keras_vae.posteriors import Posterior
from keras_vae.priors import Prior, StandardNormal

_PARTS = ("encoder", "posterior", "decoder", "likelihood", "prior", "objective")
_SAMPLE_SIGNATURE = (tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int32))


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

    def __init__(self, *, encoder, posterior, decoder, likelihood, prior=None, objective=None, seed=None, **kwargs):
        objective = ELBO() if objective is None else objective
        super().__init__(objective=objective, seed=seed, **kwargs)
        trunk = "a Keras layer or model"
        self.encoder = check_instance("encoder", encoder, keras.layers.Layer, trunk)
        self.posterior = check_instance("posterior", posterior, Posterior, "a `keras_vae.posteriors.Posterior`")
        self.decoder = check_instance("decoder", decoder, keras.layers.Layer, trunk)
        self.likelihood = check_instance("likelihood", likelihood, Likelihood, "a `keras_vae.likelihoods.Likelihood`")
        prior = StandardNormal() if prior is None else prior
        self.prior = check_instance("prior", prior, Prior, "a `keras_vae.priors.Prior`")
        if objective.needs_density and not posterior.is_distribution:
            raise ValueError(
                f"`posterior` must have a density for the objective {type(objective).__name__}; for a plain "
                f"autoencoder take the objective `Reconstruction()`. Received: {type(posterior).__name__}"
            )
        if hasattr(decoder, "resolve_event_shape"):
            decoder.resolve_event_shape(likelihood.event_shape)
        self._noise = keras.random.SeedGenerator(self.seed)
        self._verbs = CompiledVerbs()

    @property
    def latent_dim(self):
        """The number of latent dimensions."""
        return self.posterior.latent_dim

    @property
    def event_shape(self):
        """The shape of one observation."""
        return self.likelihood.event_shape

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
        seed : int or tf.Tensor of shape (2,), optional
            Stateless seed of the noise. By default each call draws other noise.
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
        if condition is not None:
            raise ValueError(f"`condition` must be None for `VAE`. Received: {condition!r}")
        check_integer("num_samples", num_samples, minimum=1)
        self._ensure_built()
        x = tf.convert_to_tensor(x)
        self._rule().check_spec(x)
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
        self._ensure_built()
        x = tf.convert_to_tensor(x)
        self._rule().check_spec(x)
        return self.posterior.distribution(self._posterior_parameters(x, training=False))

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
        return self._verbs.run(self._encode, self._rule().check(x), self.variable_dtype, batch_size)

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
        return self._verbs.run(self._decode, z, self.variable_dtype, batch_size)

    def reconstruct(self, x, *, batch_size=128):
        """Return decode(encode(x)).

        Parameters
        ----------
        x : array_like
            Shape (n, *event_shape).
        batch_size : int
            Examples at a time; memory is bounded by it.

        Returns
        -------
        numpy.ndarray
            Shape (n, *event_shape).
        """
        self._ensure_built()
        return self._verbs.run(self.call, self._rule().check(x), self.variable_dtype, batch_size)

    def generate(self, num_samples=1, *, seed=None, batch_size=128):
        """Draw z from the prior and return the likelihood's mean, E[x|z].

        Parameters
        ----------
        num_samples : int
            How many.
        seed : int, optional
            The same seed gives the same observations; a fresh one by default.
        batch_size : int
            Examples at a time; memory is bounded by it.

        Returns
        -------
        numpy.ndarray
            Shape (num_samples, *event_shape).
        """
        check_integer("num_samples", num_samples, minimum=1)
        self._ensure_built()
        z = self._verbs.compiled(self._sample_prior, _SAMPLE_SIGNATURE)(resolve_seed(seed), num_samples)
        return self._verbs.run(self._decode, z.numpy(), self.variable_dtype, batch_size)

    def get_config(self):
        """Return the parts' configs, the seed and the file format's version."""
        parts = {name: serialize(getattr(self, name)) for name in _PARTS}
        return {**super().get_config(), **parts, "seed": self.seed, "format_version": FORMAT_VERSION}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Rebuild a model from `get_config`."""
        config = dict(config)
        check_format_version(config.pop("format_version", FORMAT_VERSION))
        for name in _PARTS:
            config[name] = deserialize(config[name], custom_objects)
        return cls(**config)

    def _posterior_parameters(self, x, training):
        return self.posterior(self.encoder(tf.cast(x, self.variable_dtype), training=training))

    def _encode(self, x, training=False):
        return self._posterior_parameters(x, training)["mean"]

    def _decode(self, z, training=False):
        return self.likelihood.mean(self.likelihood(self.decoder(z, training=training)))

    def _sample_prior(self, seed, num_samples):
        prior = self.prior.distribution(posterior_of=self.posterior_of)
        return prior.sample(num_samples, seed=fold_in(seed, GENERATION))

    def _likelihood_parameters(self, z, training):
        """Decode samples of shape (num_samples, batch, latent_dim), folded into one batch for the decoder."""
        parameters = self.likelihood(self.decoder(tf.reshape(z, [-1, self.latent_dim]), training=training))

        def unfold(parameter):
            if parameter.shape.rank == 0:  # shared by all examples
                return parameter
            return tf.reshape(parameter, tf.concat([tf.shape(z)[:2], tf.shape(parameter)[1:]], axis=0))

        return {name: unfold(parameter) for name, parameter in parameters.items()}
