"""What every latent-variable model does: inference, generation and densities for any number of levels, and files."""

import functools
import logging
from collections.abc import Iterable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_vae.conditions import Condition
from keras_vae.core import (
    FORMAT_VERSION,
    Batch,
    Inference,
    Latent,
    Stream,
    as_array,
    as_seed,
    check_finite_weights,
    check_format_version,
    check_instance,
    check_integer,
    check_restorable,
    deserialize,
    fold_in,
    last_activation,
    remark,
    resolve_seed,
    right_aligned,
    save_whole,
    serialize,
)
from keras_vae.likelihoods import Likelihood
from keras_vae.models import imputation
from keras_vae.models.inputs import host_batches, is_stream
from keras_vae.models.trainer import Trainer
from keras_vae.models.verbs import Verbs, joined
from keras_vae.objectives import ELBO, Objective
from keras_vae.posteriors import Posterior
from keras_vae.priors import Prior, StandardNormal

_TRUNK = (keras.layers.Layer, "a Keras layer or model")
_KINDS = {
    "encoder": _TRUNK,
    "posterior": (Posterior, "a `keras_vae.posteriors.Posterior`"),
    "prior": (Prior, "a `keras_vae.priors.Prior`"),
    "decoder": _TRUNK,
    "likelihood": (Likelihood, "a `keras_vae.likelihoods.Likelihood`"),
}


class Level(NamedTuple):
    """One latent variable's parts.

    Attributes
    ----------
    encoder : keras.layers.Layer
        From x, or from the list of what there is of x, z above and the condition, to features.
    posterior : Posterior
        From features to q(z|x).
    prior : Prior
        p(z), or p(z|z above, condition).
    """

    encoder: keras.layers.Layer
    posterior: Posterior
    prior: Prior


class LatentVariableModel(Trainer):
    """A `keras.Model` with one or several levels of latent variables.

    `q(z|x) = q(z_L|x) q(z_{L-1}|x, z_L) ... q(z_1|x, z_2)`,
    `p(x, z) = p(z_L) p(z_{L-1}|z_L) ... p(z_1|z_2) p(x|z_1, ..., z_L)`, all given the condition if there is one.

    A subclass names its parts. All that is logged is an average over examples, in nats.

    Parameters
    ----------
    objective : Objective, optional
        What is minimised; `ELBO()` by default.
    condition : Condition, optional
        What all parts are conditioned on; nothing by default.
    missing : bool
        Whether x may have gaps; see `VAE`.
    seed : int, optional
        Seed of all noise: of the training steps, which is a pure function of (seed, step, replica), and of `evaluate`,
        which draws the same noise each time. A fresh one by default.
    **kwargs
        Passed to `keras.Model`.
    """

    likelihood: Likelihood
    objective: Objective
    condition: Condition | None

    part_names: tuple[str, ...] = ("decoder", "likelihood", "objective", "condition")
    """Arguments that are parts, each serialized by itself."""

    sequence_names: tuple[str, ...] = ()
    """Arguments that are sequences of parts."""

    def __init__(
        self,
        *,
        objective: Objective | None = None,
        condition: Condition | None = None,
        missing: bool = False,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(objective=ELBO() if objective is None else objective, seed=seed, **kwargs)
        if condition is not None:
            check_instance("condition", condition, Condition, "a `keras_vae.conditions.Condition`")
        self.condition = condition
        self.missing = bool(missing)
        self._noise = keras.random.SeedGenerator(self.seed)
        self._run.verbs = Verbs(self)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels of latent variables, bottom-up."""
        raise NotImplementedError(f"`{type(self).__name__}` must have the property `levels`.")

    @functools.cached_property
    def latent_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of one z of each level, bottom-up."""
        return tuple(level.posterior.latent_shape for level in self.levels)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one observation."""
        return self.likelihood.event_shape

    @property
    def seen_shape(self) -> tuple[int, ...]:
        """The shape of what encoders see of one observation: of x and, where x may have gaps, its mask as channels."""
        *sizes, channels = self.likelihood.x_shape
        if self.missing:
            channels += 1 if self.likelihood.x_shape != self.event_shape else channels
        return (*sizes, channels)

    @property
    def inference_parts(self) -> tuple:
        """The encoders, then the posteriors. Weights in files are named by it: Keras walks properties by name."""
        return tuple(level.encoder for level in self.levels) + tuple(level.posterior for level in self.levels)

    def names_of_levels(self, stem: str) -> list[str]:
        """Return a name for each level.

        Parameters
        ----------
        stem : str
            What the names begin with.

        Returns
        -------
        list of str
            The stem alone for one level, else stem_1, stem_2, ... bottom-up.
        """
        count = len(self.levels)
        return [stem] if count == 1 else [f"{stem}_{level + 1}" for level in range(count)]

    def of_levels(self, values: Iterable) -> Any:
        """Return what belongs to the levels as verbs take and give it.

        Parameters
        ----------
        values : iterable
            One for each level, bottom-up.

        Returns
        -------
        object or tuple
            The only one by itself, several as a tuple.
        """
        values = tuple(values)
        return values[0] if len(values) == 1 else values

    def as_levels(self, values: Any) -> tuple:
        """Undo `of_levels`.

        Parameters
        ----------
        values : object or tuple
            What verbs take or give.

        Returns
        -------
        tuple
            One for each level, bottom-up.
        """
        return (values,) if len(self.levels) == 1 else tuple(values)

    def build(self, input_shape=None):
        """Build all parts from the likelihood's event shape, by a symbolic pass."""
        x = keras.KerasTensor((None, *self.seen_shape), dtype=self.variable_dtype)
        self.objective.build(keras.KerasTensor((None, *self.likelihood.x_shape), dtype=x.dtype), self.condition)
        c = None
        if self.condition is not None:
            c = self.condition(keras.KerasTensor((None, *self.condition.value_shape), dtype=self.variable_dtype))
        z = [keras.KerasTensor((None, *shape), dtype=self.variable_dtype) for shape in self.latent_shapes]
        above = None
        for level, (encoder, posterior, prior) in reversed(list(enumerate(self.levels))):
            posterior(_features("encoder", encoder, {"x": x, "z_above": above, "condition": c}))
            context = _listed(above, c)
            if prior.is_conditional and context is None:
                raise ValueError(
                    f"`{type(prior).__name__}` must have a level above it, or a model with a condition. "
                    "Received: neither"
                )
            if prior.needs_posterior and context is not None:
                raise ValueError(
                    f"`{type(prior).__name__}` must be the prior of a top level without a condition, since it is made "
                    "of posteriors. Received: a level below another one, or a model with a condition"
                )
            if not prior.built:
                shapes = (
                    [part.shape for part in context] if isinstance(context, list) else getattr(context, "shape", None)
                )
                prior.build(*([z[level].shape, shapes] if prior.is_conditional else [z[level].shape]))
            above = z[level]
        latents = dict(zip(self.names_of_levels("z"), z, strict=True))
        features = _features("decoder", self.decoder, {**latents, "condition": c})
        self._check_decoder(features.shape)
        self.likelihood(features)

    def call(self, inputs, training=False):
        """Reconstruct: what the likelihood expects at the posteriors' means.

        Parameters
        ----------
        inputs : tf.Tensor or dict
            x of shape (batch, *x_shape), or a dictionary of fields.
        training : bool
            Whether layers behave as in training.

        Returns
        -------
        tf.Tensor
            Shape (batch, *x_shape).
        """
        batch = self.spec.tensors(inputs)
        c = self._conditioned(batch, training)
        means = [parameters["mean"] for parameters in self._parameters_at_means(batch, c, training)]
        return self.likelihood.expected(self._decoded(means, c, training))

    def infer(self, batch: Any, *, num_samples: int = 1, training: bool = False, seed: Any = None) -> Inference:
        """Make the record of one pass: posteriors, samples, priors and likelihood.

        Parameters
        ----------
        batch : Batch, array_like, tensor, dict or tuple
            x of shape (batch, *x_shape), or what else `fit` takes for one batch.
        num_samples : int
            Posterior samples for each example.
        training : bool
            Whether layers behave as in training.
        seed : int or tf.Tensor of shape (2,) or (batch, 2), optional
            Stateless seed of the noise, or one for each row. By default each call draws other noise.

        Returns
        -------
        Inference
            With a latent for each level, bottom-up, whose `z` has shape (num_samples, batch, *latent_shape). Below the
            top level posterior and prior depend on the samples above, and have the batch shape (num_samples, batch).

        Raises
        ------
        ValueError
            If a field has the wrong shape or is missing, or `num_samples` < 1.
        """
        check_integer("num_samples", num_samples, minimum=1)
        self.ensure_built()
        seed = self._noise.next() if seed is None else seed
        return self._infer(self._checked(batch), num_samples=num_samples, training=training, seed=as_seed(seed))

    def _infer(self, batch, *, num_samples, training, seed):
        c = self._conditioned(batch, training)
        x, auxiliary = self._seen(batch), {}
        latents: tuple[Latent, ...] = ()
        for level in reversed(range(len(self.levels))):
            posterior, above = self.levels[level].posterior, latents[0].z if latents else None
            parameters = self._posterior_parameters(level, x, above, c, training)
            z = posterior.sample(parameters, num_samples if above is None else 1, self._seed_of(level, seed))
            z = z if above is None else z[0]
            prior = self.prior_of(level, above, c, training=training)
            latents = (Latent(z, posterior.distribution(parameters), prior), *latents)
            for name, term in posterior.auxiliary(parameters, training).items():
                name = name if len(self.levels) == 1 else f"{name}_{level + 1}"
                auxiliary[name] = _auxiliary(name, term, samples=above is not None)
        event = self.likelihood.observe(batch.event)
        parameters = self._decoded([latent.z for latent in latents], c, training)
        parameters = self.likelihood.fit_batch(
            parameters, event, mask=batch.mask, sample_weight=batch.sample_weight, training=training
        )
        return Inference(
            batch=batch,
            parameters=parameters,
            likelihood=self.likelihood.distribution(parameters),
            log_likelihood=self.likelihood.log_prob(parameters, event, batch.mask),
            latents=latents,
            auxiliary=auxiliary,
        )

    def posterior_of(self, batch: Any) -> Any:
        """Return q(z|x) as a distribution, of the top level where there are several.

        Parameters
        ----------
        batch : Batch, array_like, tensor, dict or tuple
            As in `infer`.

        Returns
        -------
        tfp.distributions.Distribution
            Of batch shape (batch,) and event shape `latent_shapes[-1]`.
        """
        self.ensure_built()
        return self._posterior_of(self._checked(batch))

    def _posterior_of(self, batch):
        """Return q(z|x) of what need not be an observation, such as a prior's pseudo-inputs."""
        batch = self.spec.tensors(batch)
        c = self._conditioned(batch, False)
        parameters = self._posterior_parameters(len(self.levels) - 1, self._seen(batch), None, c, False)
        return self.levels[-1].posterior.distribution(parameters)

    def latent_posteriors(self, batch: Any) -> tuple:
        """Return the distributions whose means `encode` returns: each level's posterior at the mean of the level above.

        Parameters
        ----------
        batch : Batch, array_like, tensor, dict or tuple
            As in `infer`.

        Returns
        -------
        tuple of tfp.distributions.Distribution
            Bottom-up, of batch shape (batch,) and event shapes `latent_shapes`.
        """
        self.ensure_built()
        batch = self._checked(batch)
        parameters = self._parameters_at_means(batch, self._conditioned(batch, False), False)
        return tuple(level.posterior.distribution(part) for level, part in zip(self.levels, parameters, strict=True))

    def prior_of(self, level: int, above: Any = None, condition: Any = None, *, training: bool = False) -> Any:
        """Return the prior of a level as a distribution.

        Parameters
        ----------
        level : int
            From 0, bottom-up.
        above : tf.Tensor, optional
            Shape (..., batch, *latent_shape): the latent variable above, None for the top level.
        condition : tf.Tensor, optional
            Shape (batch, ...): what the condition made of raw values.
        training : bool
            Whether layers behave as in training.

        Returns
        -------
        tfp.distributions.Distribution
            Of batch shape () where it depends on neither, else of the leading axes of what it depends on.
        """
        prior = self.levels[level].prior
        context = None
        if prior.is_conditional:
            if above is not None and condition is not None:
                leading = tf.shape(above)[: len(above.shape) - len(self.latent_shapes[level + 1])]
                condition = tf.broadcast_to(condition, tf.concat([leading, tf.shape(condition)[1:]], axis=0))
            context = _listed(above, condition)
        return prior.distribution(posterior_of=self._posterior_of, condition=context, training=training)

    def sample_prior(self, num_samples: Any, seed: Any, condition: Any = None) -> tuple[tf.Tensor, ...]:
        """Draw the latents from their priors, from the top down.

        Parameters
        ----------
        num_samples : int or tf.Tensor
            How many.
        seed : int or tf.Tensor of shape (2,)
            A stateless seed.
        condition : tf.Tensor, optional
            Shape (num_samples, ...): what the condition made of raw values.

        Returns
        -------
        tuple of tf.Tensor
            Bottom-up, of shapes (num_samples, *latent_shape).
        """
        z: tuple[tf.Tensor, ...] = ()
        for level in reversed(range(len(self.levels))):
            level_seed, prior = self._seed_of(level, seed), self.levels[level].prior
            if prior.is_conditional:
                drawn = self.prior_of(level, z[0] if z else None, condition).sample(seed=level_seed)
            else:
                drawn = prior.sample(num_samples, seed=level_seed, posterior_of=self._posterior_of)
            z = (drawn, *z)
        return z

    def log_prior(self, z: tuple, *, condition: Any = None, top_prior: Any = None) -> tf.Tensor:
        """Return log p(z) of latents.

        Parameters
        ----------
        z : tuple of tf.Tensor
            Bottom-up, of shapes (..., batch, *latent_shape).
        condition : tf.Tensor, optional
            Shape (batch, ...): what the condition made of raw values.
        top_prior : tfp.distributions.Distribution, optional
            The prior of the top level, where it was built before: one made of posteriors is costly.

        Returns
        -------
        tf.Tensor
            Shape (..., batch), in nats.
        """
        terms = []
        for level, above in enumerate((*z[1:], None)):
            is_given = above is None and top_prior is not None
            prior = top_prior if is_given else self.prior_of(level, above, condition)
            terms.append(prior.log_prob(z[level]))
        return tf.add_n(terms)

    def decoded(self, z: tuple, condition: Any = None) -> dict[str, tf.Tensor]:
        """Return the parameters of p(x|z).

        Parameters
        ----------
        z : tuple of tf.Tensor
            Bottom-up, of shapes (..., batch, *latent_shape).
        condition : tf.Tensor, optional
            Shape (batch, ...): what the condition made of raw values.

        Returns
        -------
        dict of tf.Tensor
            Of shape (..., batch, *event_shape), or scalars that all examples share.
        """
        return self._decoded(list(z), condition, False)

    def log_likelihood(self, batch: Batch, parameters: dict) -> tf.Tensor:
        """Return log p(x|z) of a batch, of what is observed.

        Parameters
        ----------
        batch : Batch
            Of tensors.
        parameters : dict of tf.Tensor
            What `decoded` returned.

        Returns
        -------
        tf.Tensor
            Of the parameters' leading axes, in nats.
        """
        return self.likelihood.log_prob(parameters, self.likelihood.observe(batch.event), batch.mask)

    def encode(self, x: Any, *, batch_size: int = 128) -> Any:
        """Return the posterior mean, E_q[z], of each level given the mean of the level above.

        Parameters
        ----------
        x : array_like, dict, tuple or stream of batches
            As in `fit`; x, the condition and the mask count.
        batch_size : int
            Examples at a time, of arrays; memory is bounded by it.

        Returns
        -------
        numpy.ndarray or tuple of numpy.ndarray
            Shape (n, *latent_shape); of several levels a tuple, bottom-up.
        """
        return self._each_batch(self._encode, x, batch_size)

    def decode(self, z: Any, condition: Any = None, *, batch_size: int = 128) -> np.ndarray:
        """Return what the likelihood expects at z: E[x|z], or the most probable category of each element.

        `vae.decoder` alone gives features or logits; this gives observations.

        Parameters
        ----------
        z : array_like, sequence of array_like, or tf.data.Dataset of batches
            Shape (n, *latent_shape); of several levels a sequence, bottom-up.
        condition : array_like, optional
            Raw values, one for each z, or one for all.
        batch_size : int
            Examples at a time; memory is bounded by it.

        Returns
        -------
        numpy.ndarray
            Shape (n, *x_shape).

        Raises
        ------
        ValueError
            If z has another shape.
        """
        self.ensure_built()
        if is_stream(z):
            return np.concatenate([self.decode(part, condition, batch_size=batch_size) for part in z])
        z = self._checked_latents(z)
        _, *c = self._condition_rows(len(z[0]), condition)
        return self._each_rows(self._decode, [*z, *c], batch_size)

    def reconstruct(self, x: Any, condition: Any = None, *, batch_size: int = 128) -> np.ndarray:
        """Return decode(encode(x)), under another condition if one is given.

        With another condition it is the counterfactual: z is inferred from x and its own condition, and decoded under
        the other one. It shows what x would have been had the condition been another and all else, z, the same.

        Parameters
        ----------
        x : array_like, dict, tuple or stream of batches
            As in `fit`; x, its own condition and the mask count.
        condition : array_like, optional
            Raw values under which to decode, one for each x, or one for all; by default those of x.
        batch_size : int
            Examples at a time, of arrays; memory is bounded by it.

        Returns
        -------
        numpy.ndarray
            Shape (n, *x_shape).

        Raises
        ------
        ValueError
            If x or the condition does not suit the model.
        """
        if condition is not None:
            return self.decode(self.encode(x, batch_size=batch_size), condition, batch_size=batch_size)
        return self._each_batch(self._reconstruct, x, batch_size)

    def impute(
        self,
        x: Any,
        *,
        num_samples: int = 1000,
        sample: bool = False,
        num_imputations: int | None = None,
        seed: int | None = None,
        batch_size: int = 128,
    ) -> np.ndarray:
        """Fill in what is missing of x, given what is observed, by self-normalised importance sampling.

        z_1, ..., z_K are drawn from q(z|observed) and weighted by `w_k ~ p(observed|z_k) p(z_k) / q(z_k|observed)`.
        The mean of what is missing is `sum_k w_k E[missing|z_k]`; an imputation takes one of the z_k, with probability
        w_k, and draws what is missing from p(missing|z_k) (Mattei & Frellsen 2019, section 3). Both are exact as K
        grows, for any q. Memory is bounded, whatever K, n and the number of imputations are.

        Parameters
        ----------
        x : array_like, dict, tuple or stream of batches
            As in `fit`; x, the condition and the mask count. NaN is missing, and so is what a mask hides. A model
            without `missing=True` takes gaps here too; its encoder sees zeros in them, and needs more samples.
        num_samples : int
            K, at least 1.
        sample : bool
            Whether what is missing is drawn, as often as `num_imputations` says: the spread between the imputations
            says how sure they are. Otherwise it is the mean or, of integers that stand for categories, the most
            probable one; of one-hot codes the probabilities.
        num_imputations : int, optional
            How many times to draw, with `sample`; 10 by default, and far fewer than `num_samples`.
        seed : int, optional
            The same seed gives an observation at the same place the same imputations; a fresh one by default.
        batch_size : int
            Examples at a time, of arrays; what is imputed does not depend on it.

        Returns
        -------
        numpy.ndarray
            Shape (n, *x_shape), or (num_imputations, n, *x_shape) with `sample`. What is observed is as it came.

        Raises
        ------
        ValueError
            If an argument is out of range, there is a target, the likelihood does not score single elements, or the
            posterior has no density.

        Examples
        --------
        >>> complete = vae.impute(x_with_nan, seed=0)
        >>> imputations = vae.impute({"x": x, "mask": observed}, sample=True, num_imputations=20)
        >>> mean, spread = imputations.mean(axis=0), imputations.std(axis=0)
        """
        check_integer("num_samples", num_samples, minimum=1)
        if num_imputations is not None and not sample:
            raise ValueError(
                "`num_imputations` must be left out where nothing is drawn: pass `sample=True`. "
                f"Received: num_imputations={num_imputations!r}"
            )
        check_integer("batch_size", batch_size, minimum=1)
        count = check_integer("num_imputations", 10 if num_imputations is None else num_imputations, minimum=1)
        self.ensure_built()
        return imputation.impute(
            self, x, num_samples, num_imputations=count if sample else None, seed=resolve_seed(seed), size=batch_size
        )

    def score(
        self, x: Any, *, num_samples: int | None = None, seed: int | None = None, batch_size: int = 128
    ) -> dict[str, np.ndarray]:
        """Return elbo, rate and distortion of each example, as the model's objective has them.

        Parameters
        ----------
        x : array_like, dict, tuple or stream of batches
            As in `fit`.
        num_samples : int, optional
            Posterior samples for each example; the objective's own number by default.
        seed : int, optional
            Of the samples; a fresh one by default.
        batch_size : int
            Examples at a time, of arrays; memory is bounded by it.

        Returns
        -------
        dict of numpy.ndarray
            "elbo", "rate" and "distortion", and what else the objective has for each example, of shape (n,), in nats.

        Raises
        ------
        ValueError
            If the objective couples examples, or the data are refused.
        """
        if self.objective.couples_examples:
            raise ValueError(
                "`score` must be called on a model whose objective does not couple examples. "
                f"Received: {type(self.objective).__name__}"
            )
        num_samples = self.objective.num_samples if num_samples is None else num_samples
        check_integer("num_samples", num_samples, minimum=1)
        seed, place, found = resolve_seed(seed), 0, []
        for batch in self._batches(x, batch_size, self.objective_spec):
            places = np.arange(place, place + len(batch.x), dtype=np.int32)
            found.append(
                self._run.verbs.run(self._score, batch.fields, places, np.int32(seed), num_samples=num_samples)
            )
            place += len(batch.x)
        return joined(found)

    def scores(self, batch: Any, *, num_samples: int, seed: Any, top_prior: Any = None) -> dict[str, tf.Tensor]:
        """Return the terms of the objective that are there for each example, of tensors in a graph.

        Parameters
        ----------
        batch : Batch, array_like, tensor, dict or tuple
            As in `infer`.
        num_samples : int
            Posterior samples for each example.
        seed : tf.Tensor
            Shape (batch, 2): a seed for each row, so that a row's score depends on that row alone.
        top_prior : tfp.distributions.Distribution, optional
            As in `log_prior`.

        Returns
        -------
        dict of tf.Tensor
            As in `score`.
        """

        def infer(batch):
            seeds = tf.tile(seed, [tf.shape(batch.x)[0] // tf.maximum(tf.shape(seed)[0], 1), 1])
            record = self._infer(batch, num_samples=num_samples, training=False, seed=seeds)
            if top_prior is not None:
                *lower, top = record.latents
                record = record._replace(latents=(*lower, top._replace(prior=top_prior)))
            return record

        self.ensure_built()
        logs = self.objective.terms(self.spec.tensors(batch), infer, step=0, training=False).logs
        names = {"kl_loss": "rate", "reconstruction_loss": "distortion"}
        terms = {names.get(name, name): tf.convert_to_tensor(term) for name, term in logs.items()}
        return {name: term for name, term in terms.items() if term.shape.rank == 1}

    def generate(
        self,
        num_samples: int | None = None,
        condition: Any = None,
        *,
        sample: bool = False,
        seed: int | None = None,
        batch_size: int = 128,
    ) -> np.ndarray:
        """Draw the latents from their prior, and return what the likelihood expects there, or a draw of x.

        Parameters
        ----------
        num_samples : int, optional
            How many; by default one for each value of the condition, and 1 where there is one value or none.
        condition : array_like, optional
            Raw values, one for each of them, or one for all; a model with a condition needs them. `range(10)` makes one
            observation of each of ten classes.
        sample : bool
            Whether x is drawn from p(x|z), too. Otherwise it is E[x|z], or the most probable category of each element.
        seed : int, optional
            The same seed gives the same observations; a fresh one by default.
        batch_size : int
            Examples at a time; memory is bounded by it, and what is drawn by `sample` depends on it.

        Returns
        -------
        numpy.ndarray
            Shape (num_samples, *x_shape).

        Raises
        ------
        ValueError
            If an argument is out of range.
        """
        if num_samples is not None:
            check_integer("num_samples", num_samples, minimum=1)
        self.ensure_built()
        seed = resolve_seed(seed)
        num_samples, *c = self._condition_rows(num_samples, condition)
        z = self._run.verbs.run(self._sample_prior, np.int32(seed), np.int32(num_samples), *c)
        if sample:
            return self._each_rows(self._draw, [*z, *c], batch_size, seed)
        return self._each_rows(self._decode, [*z, *c], batch_size)

    def export(self, filepath: Any, *args, **kwargs) -> Any:
        """Export the reconstruction as `keras.Model.export` does; see `keras_vae.export` for all signatures.

        Parameters
        ----------
        filepath : str or pathlib.Path
            Where to.
        *args, **kwargs
            As in `keras.Model.export`.

        Returns
        -------
        object
            As `keras.Model.export` does.
        """
        self.ensure_built()
        blank = self.spec.blank(1)
        self(blank.x if self.condition is None else blank.fields)  # Keras exports what was called once
        if self.condition is not None:
            fields = blank.fields.items()
            specs = {name: tf.TensorSpec([None, *rows.shape[1:]], rows.dtype, name) for name, rows in fields}
            kwargs.setdefault("input_signature", [specs])
        return super().export(filepath, *args, **kwargs)

    def save(self, filepath: Any, overwrite: bool = True, **kwargs) -> None:
        """Save the model; the file is whole or the old one stays.

        Parameters
        ----------
        filepath : str or pathlib.Path
            Where to save; ends in `.keras`.
        overwrite : bool
            Whether an existing file is replaced.
        **kwargs
            As in `keras.Model.save`.

        Raises
        ------
        ValueError
            If the file's name is that of a format from which the model would not load again, or a layer would not.
        FloatingPointError
            If a weight is NaN or infinite.
        OSError
            If the file cannot be written.
        """
        if str(filepath).endswith((".h5", ".hdf5")):
            raise ValueError(f"`filepath` must end in `.keras`. Received: filepath={str(filepath)!r}")
        self.ensure_built()
        check_restorable(self)
        check_finite_weights(self)
        save_whole(super().save, filepath, overwrite, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True, **kwargs) -> None:
        """Save the weights alone; the file is whole or the old one stays.

        Parameters
        ----------
        filepath : str or pathlib.Path
            Where to save; ends in `.weights.h5`.
        overwrite : bool
            Whether an existing file is replaced.
        **kwargs
            As in `keras.Model.save_weights`.

        Raises
        ------
        FloatingPointError
            If a weight is NaN or infinite.
        OSError
            If the file cannot be written.
        """
        self.ensure_built()
        check_finite_weights(self)
        save_whole(super().save_weights, filepath, overwrite, **kwargs)

    def load_weights(self, filepath: Any, **kwargs) -> None:
        """Load weights that `save_weights` wrote.

        Parameters
        ----------
        filepath : str or pathlib.Path
            Where they are.
        **kwargs
            As in `keras.Model.load_weights`.
        """
        self.ensure_built()
        super().load_weights(filepath, **kwargs)

    def summary(self, *args, **kwargs) -> None:
        """Print the parts and their sizes, as `keras.Model.summary` does.

        Parameters
        ----------
        *args, **kwargs
            As in `keras.Model.summary`.
        """
        self.ensure_built()
        super().summary(*args, **kwargs)

    def get_config(self):
        """Return the parts' configs, the seed and the file format's version."""
        parts = {name: serialize(getattr(self, name)) for name in self.part_names}
        sequences = {name: [serialize(part) for part in getattr(self, name)] for name in self.sequence_names}
        settings = {"missing": self.missing, "seed": self.seed, "format_version": FORMAT_VERSION}
        return {**super().get_config(), **parts, **sequences, **settings}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Rebuild a model from `get_config`."""
        config = dict(config)
        check_format_version(config.pop("format_version", FORMAT_VERSION))
        for name in cls.part_names:
            config[name] = deserialize(config.get(name), custom_objects)
        for name in cls.sequence_names:
            config[name] = [deserialize(part, custom_objects) for part in config[name]]
        return cls(**config)

    def _set_parts(self, **parts):
        """Check the parts and keep them, in the order in which files have their weights."""
        for name, part in parts.items():
            kind = _KINDS[name.removesuffix("s")]
            if name in self.sequence_names:
                part = tuple(check_instance(f"{name}[{level}]", one, *kind) for level, one in enumerate(part))
            elif name == "prior" and part is None:
                part = StandardNormal(dtype=self.dtype_policy)
            else:
                check_instance(name, part, *kind)
            setattr(self, name, part)
        sizes = [len(getattr(self, name)) for name in self.sequence_names]
        if sizes and (len(set(sizes)) != 1 or sizes[0] < 2):
            raise ValueError(
                "`encoders`, `posteriors` and `priors` must have one part for each of at least two levels. "
                f"Received: {', '.join(map(str, sizes[:-1]))} and {sizes[-1]} parts"
            )
        self._check_densities()

    def _check_densities(self):
        """Refuse posteriors without a density where one is needed, and give parts what the likelihood knows."""
        for posterior in (level.posterior for level in self.levels):
            if not posterior.is_distribution and (self.objective.needs_density or len(self.levels) > 1):
                raise ValueError(
                    f"`posterior` must have a density for the objective {type(self.objective).__name__}; for a plain "
                    "autoencoder use a `VAE` with the objective `Reconstruction()`. "
                    f"Received: {type(posterior).__name__}"
                )
        if self.missing and not self.likelihood.scores_elements:
            raise ValueError(
                f"`missing` must be False for the likelihood {type(self.likelihood).__name__}, which does not score "
                "single elements. Received: missing=True"
            )
        if hasattr(self.decoder, "resolve_event_shape"):
            self.decoder.resolve_event_shape(self.likelihood.event_shape)
        if hasattr(self.levels[-1].prior, "resolve_x_shape"):
            self.levels[-1].prior.resolve_x_shape(self.likelihood.x_shape)

    def _check_decoder(self, features_shape):
        """Refuse, or remark on, a decoder that ends in a sigmoid or a softmax where logits are expected."""
        makes_events = tuple(features_shape[1:]) == self.event_shape
        if not self.likelihood.takes_logits or (self.likelihood.projection is not None and not makes_events):
            return
        name, owner = last_activation(self.decoder), type(self.likelihood).__name__
        if name not in ("sigmoid", "hard_sigmoid", "softmax"):
            return
        if self.likelihood.projection is None:
            raise ValueError(
                f"The decoder must end in logits for `{owner}(projection=None)`: leave the "
                f"activation of its last layer out. `decode` gives probabilities. Received: the activation {name}"
            )
        remark(
            ("sigmoid", owner, name),
            logging.WARNING,
            "The decoder ends in the activation %s and has the shape of an event, but `%s` takes its output for "
            "features and projects it again: leave the activation out and pass `projection=None`.",
            *(name, owner),
        )

    def _checked(self, data):
        """Make a batch of tensors; outside of graphs its values are looked at."""
        if tf.executing_eagerly():
            self.spec.arrays(data)
        return self.spec.tensors(data)

    def _seed_of(self, level, seed):
        """Give each of several levels noise of its own; the only one has the seed's, as in files of version 1."""
        return seed if len(self.levels) == 1 else fold_in(seed, level)

    def _seen(self, batch):
        """Return what encoders see of x."""
        x = tf.cast(batch.x, self.variable_dtype)
        if not self.missing:
            return x
        return tf.concat([x, right_aligned(tf.cast(batch.mask, x.dtype), len(x.shape))], axis=-1)

    def _conditioned(self, batch, training):
        return None if self.condition is None else self.condition(batch.condition, training=training)

    def _posterior_parameters(self, level, x, above, c, training):
        """Infer a level; samples above it, of shape (num_samples, batch, *latent_shape), are folded into one batch."""
        encoder, posterior, _ = self.levels[level]
        if above is None or len(above.shape) == 1 + len(self.latent_shapes[level + 1]):
            return posterior(encoder(_listed(x, above, c), training=training), training=training)
        num_samples = tf.shape(above)[0]
        folded = tf.reshape(above, [-1, *self.latent_shapes[level + 1]])
        if not getattr(encoder, "repeats_rows", False):
            x = _tiled(x, num_samples)
        c = None if c is None else _tiled(c, num_samples)
        parameters = posterior(encoder(_listed(x, folded, c), training=training), training=training)
        return _unfolded(parameters, tf.shape(above)[:2])

    def _parameters_at_means(self, batch, c, training):
        x, parameters = self._seen(batch), []
        for level in reversed(range(len(self.levels))):
            above = parameters[0]["mean"] if parameters else None
            parameters.insert(0, self._posterior_parameters(level, x, above, c, training))
        return parameters

    def _decoded(self, z, c, training):
        """Decode latents of shape (..., batch, *latent_shape), folded into one batch for the decoder."""
        shapes = self.latent_shapes
        leading = tf.shape(z[0])[: len(z[0].shape) - len(shapes[0])]
        folds = len(z[0].shape) - len(shapes[0]) > 1
        if folds:
            z = [tf.reshape(part, [-1, *shape]) for part, shape in zip(z, shapes, strict=True)]
            c = None if c is None else _tiled(c, tf.shape(z[0])[0] // tf.maximum(tf.shape(c)[0], 1))
        parameters = self.likelihood(self.decoder(_listed(*z, c), training=training), training=training)
        return _unfolded(parameters, leading) if folds else parameters

    def _encode(self, fields):
        batch = self.spec.tensors(fields)
        parameters = self._parameters_at_means(batch, self._conditioned(batch, False), False)
        return self.of_levels(part["mean"] for part in parameters)

    def _reconstruct(self, fields):
        return self.call(fields)

    def _split_condition(self, rows):
        """Take rows of latents and, last, of raw values apart; return what the condition makes of these."""
        if self.condition is None:
            return list(rows), None
        return list(rows[:-1]), self.condition(rows[-1], training=False)

    def _decode(self, *rows):
        return self.likelihood.expected(self._decoded(*self._split_condition(rows), False))

    def _draw(self, seed, place, *rows):
        z, c = self._split_condition(rows)
        return self.likelihood.sample(self._decoded(z, c, False), fold_in(seed, Stream.EVENTS, place))

    def _sample_prior(self, seed, num_samples, *rows):
        c = self.condition(rows[0], training=False) if rows else None
        return self.sample_prior(num_samples, fold_in(seed, Stream.GENERATION), c)

    def _impute_means(self, *inputs, samples):
        return imputation.means(self, *inputs, samples=samples)

    def _impute_choices(self, *inputs, samples, choices):
        return imputation.choices(self, *inputs, samples=samples, choices=choices)

    def _impute_draws(self, *inputs):
        return imputation.draws(self, *inputs)

    def _score(self, fields, places, seed, num_samples):
        seeds = fold_in(tf.tile(fold_in(seed, Stream.SCORE)[None], [tf.size(places), 1]), places)
        return self.scores(fields, num_samples=num_samples, seed=seeds)

    def _checked_latents(self, z):
        shapes = self.latent_shapes
        parts = [as_array(z, "z")] if len(shapes) == 1 else [as_array(part, "z") for part in z]
        fits = len(parts) == len(shapes) and all(
            part.shape == (len(parts[0]), *shape) for part, shape in zip(parts, shapes, strict=True)
        )
        if not fits:
            expected = ", ".join(f"(n, {', '.join(map(str, shape))})" for shape in shapes)
            what = "have shape" if len(shapes) == 1 else "hold arrays of the shapes"
            found = f"shape{'s' * (len(parts) != 1)} {', '.join(str(part.shape) for part in parts)}"
            raise ValueError(f"`z` must {what} {expected}. Received: {found}")
        return parts

    def _condition_rows(self, size, condition):
        """Return how many rows there are and, of a model with a condition, raw values for each of them."""
        if (condition is None) != (self.condition is None):
            wanted = "left out" if self.condition is None else "given"
            raise ValueError(f"`condition` must be {wanted} for this model. Received: condition={condition!r}")
        if self.condition is None:
            return [1 if size is None else size]
        values = self.condition.raw(condition)
        if values.shape == self.condition.value_shape:
            values = np.broadcast_to(values, (1 if size is None else size, *values.shape))
        values = self.condition.values.check(values, "condition")
        if size not in (None, len(values)):
            raise ValueError(f"`condition` must have one row for each of {size}. Received: {len(values)}")
        return [len(values), values]

    def _batches(self, data, batch_size, spec=None, without=()):
        self.ensure_built()
        return host_batches(data, spec or self.spec, check_integer("batch_size", batch_size, minimum=1), without)

    def _each_batch(self, function, data, batch_size):
        batches = self._batches(data, batch_size, without=("target", "sample_weight"))
        return joined([self._run.verbs.run(function, batch.fields) for batch in batches])

    def _each_rows(self, function, rows, batch_size, seed=None):
        return self._run.verbs.each_rows(function, rows, batch_size, dtype=self.variable_dtype, seed=seed)


def _listed(*parts):
    """Return the list of what there is, or the only one by itself."""
    parts = [part for part in parts if part is not None]
    return parts if len(parts) > 1 else parts[0] if parts else None


def _features(name, network, inputs):
    """Return what a trunk makes of its inputs, or refuse one that does not take them or returns several tensors."""
    inputs = {part: tensor for part, tensor in inputs.items() if tensor is not None}
    try:
        features = network(_listed(*inputs.values()))
    except (ValueError, TypeError, AttributeError, IndexError) as error:
        if type(network).__module__.startswith("keras_vae."):
            raise
        shapes = [f"{part} of shape {('batch', *tensor.shape[1:])}".replace("'", "") for part, tensor in inputs.items()]
        made = ", ".join(f"keras.Input({tuple(tensor.shape[1:])})" for tensor in inputs.values())
        raise ValueError(
            f"`{name}` must take {' and '.join(shapes)}{' in a list' * (len(inputs) > 1)}: a functional model of "
            f"the inputs {made} does. Received: the {type(network).__name__} {network.name!r}, which says: "
            f"{str(error).splitlines()[0]}"
        ) from error
    if isinstance(features, (list, tuple, dict)):
        raise ValueError(
            f"`{name}` must return one tensor of features, which the model projects to mean, variance and the like. "
            "End it where the features are: `keras.Model(inputs, features)`. "
            f"Received: {len(features)} tensors"
        )
    return features


def _auxiliary(name, term, samples):
    """Return a posterior's term as a vector over examples; below the top level it has samples in front."""
    term = tf.convert_to_tensor(term)
    expected = "(samples, batch)" if samples else "(batch,)"
    if name in ("loss", "elbo", "iwelbo", "kl_loss", "reconstruction_loss", "beta") or term.shape.rank != 1 + samples:
        raise ValueError(
            f"`auxiliary` terms must have names of their own and shape {expected}. "
            f"Received: {name!r} of shape {tuple(term.shape)}"
        )
    return tf.reduce_mean(term, axis=0) if samples else term


def _tiled(x, times):
    """Repeat a batch: (batch, ...) becomes (times * batch, ...)."""
    return tf.tile(x, tf.concat([[times], tf.ones([x.shape.rank - 1], tf.int32)], axis=0))


def _unfolded(parameters, leading):
    """Give parameters of a folded batch its leading axes back."""

    def unfold(parameter):
        if parameter.shape.rank == 0:  # shared by all examples
            return parameter
        return tf.reshape(parameter, tf.concat([leading, tf.shape(parameter)[1:]], axis=0))

    return {name: unfold(parameter) for name, parameter in parameters.items()}
