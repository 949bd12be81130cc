"""What an exported model answers: a function and its named inputs for each signature."""

from typing import NamedTuple

import tensorflow as tf

from keras_vae.core import Batch, fold_in
from keras_vae.export.draw import draw
from keras_vae.export.images import decoder, takes_images


class Endpoint(NamedTuple):
    """One signature.

    Attributes
    ----------
    function : callable
        From tensors with a batch axis to a dictionary of tensors with a batch axis.
    inputs : tuple of tf.TensorSpec
        What it takes, by name.
    """

    function: object
    inputs: tuple


class Endpoints:
    """The graphs of a model, each row of whose outputs depends on the same row of the inputs alone.

    Parameters
    ----------
    vae : keras_vae.models.LatentVariableModel
        A model that is built.
    black_and_white : pair of float
        What the pixels 0 and 255 of image files are to the model.
    """

    def __init__(self, vae, black_and_white):
        self.vae = vae
        self.black_and_white = black_and_white
        # Without the scale: what remarks on it is Python, which no server runs.
        self.spec = vae.spec._replace(x=vae.spec.x._replace(scale=None))
        # Computed here, so that a prior made of posteriors costs nothing when it is served.
        self.top_prior = None
        if not vae.levels[-1].prior.is_conditional:
            self.top_prior = vae.prior_of(len(vae.levels) - 1)

    def all(self):
        """Return the signatures, the default one first.

        Returns
        -------
        dict of Endpoint
        """
        dtype = self.vae.variable_dtype
        x = tf.TensorSpec([None, *self.vae.likelihood.x_shape], dtype, name="x")
        seed = tf.TensorSpec([None, 2], tf.int32, name="seed")
        named_shapes = zip(self.vae.names_of_levels("z"), self.vae.latent_shapes, strict=True)
        z = tuple(tf.TensorSpec([None, *shape], dtype, name=name) for name, shape in named_shapes)
        c = ()
        if self.vae.condition is not None:
            kind = tf.int32 if self.vae.condition.integer_valued else dtype
            c = (tf.TensorSpec([None, *self.vae.condition.value_shape], kind, name="condition"),)
        found = {
            "reconstruct": Endpoint(self.reconstruct, (x, *c)),
            "encode": Endpoint(self.encode, (x, *c)),
            "decode": Endpoint(self.decode, (*z, *c)),
            "generate": Endpoint(self.generate, (seed, *c)),
        }
        if not self.vae.objective.couples_examples:
            found["score"] = Endpoint(self.score, (x, *c, seed))
        if takes_images(self.vae.likelihood):
            content = tf.TensorSpec([None], tf.string, name="image_bytes")
            for name in [name for name in ("reconstruct", "encode", "score") if name in found]:
                function, inputs = found[name]
                found[f"{name}_bytes"] = Endpoint(self._of_bytes(function), (content, *inputs[1:]))
        return found

    def reconstruct(self, x, condition=None):
        """Return what the likelihood expects at the posteriors' means."""
        return {"reconstruction": self.vae(self._batch(x, condition).fields, training=False)}

    def encode(self, x, condition=None):
        """Return each posterior's mean and standard deviation."""
        posteriors = self.vae.latent_posteriors(self._batch(x, condition))
        names = self.vae.names_of_levels
        means = zip(names("mean"), (posterior.mean() for posterior in posteriors), strict=True)
        scales = zip(names("scale"), (posterior.stddev() for posterior in posteriors), strict=True)
        return {**dict(means), **dict(scales)}

    def decode(self, *z_and_condition):
        """Return what the likelihood expects at given latents, bottom-up."""
        count = len(self.vae.levels)
        return self._decode(z_and_condition[:count], self._conditioned(*z_and_condition[count:]))

    def generate(self, seed, condition=None):
        """Return what the likelihood expects at latents drawn from their priors."""
        z, condition = (), self._conditioned(condition)
        for level in reversed(range(len(self.vae.levels))):
            prior = None if z else self.top_prior
            if prior is None:
                prior = self.vae.prior_of(level, z[0] if z else None, condition)
            z = (draw(prior, fold_in(seed, level)), *z)
        return self._decode(z, condition)

    def score(self, x, *condition_and_seed):
        """Return the terms of the model's objective, for each row at samples of its own."""
        *condition, seed = condition_and_seed
        rows = [tf.shape(x)[0], tf.shape(seed)[0]]
        message = "`seed` must have a row for each row of the observations. Received: rows of both"
        with tf.control_dependencies([tf.debugging.Assert(rows[0] == rows[1], [message, rows])]):
            seed = tf.identity(seed)
        batch = self._batch(x, *condition)
        num_samples = self.vae.objective.num_samples
        return self.vae.scores(batch, num_samples=num_samples, seed=seed, top_prior=self.top_prior)

    def _decode(self, z, condition):
        return {"mean": self.vae.likelihood.expected(self.vae.decoded(z, condition))}

    def _conditioned(self, condition=None):
        if self.vae.condition is None:
            return None
        return self.vae.condition(self.vae.condition.values.assert_values(condition, "condition"))

    def _batch(self, x, condition=None):
        return self.spec.asserted(Batch(x, condition))

    def _of_bytes(self, function):
        images = decoder(self.vae.likelihood, self.black_and_white)

        def of_bytes(image_bytes, *others):
            return function(images(image_bytes), *others)

        return of_bytes
