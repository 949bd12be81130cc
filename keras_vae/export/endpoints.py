"""What an exported model answers: a function and its named inputs for each signature."""

from typing import NamedTuple

import tensorflow as tf

from keras_vae.core import fold_in
from keras_vae.data import assert_values
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
        self.is_hierarchy = hasattr(vae, "priors")
        self.priors = list(vae.priors) if self.is_hierarchy else [vae.prior]
        # Computed here, so that a prior made of posteriors costs nothing when it is served.
        self.top_prior = self.priors[-1].distribution(posterior_of=vae.posterior_of)

    def all(self):
        """Return the signatures, the default one first.

        Returns
        -------
        dict of Endpoint
        """
        dtype = self.vae.variable_dtype
        x = tf.TensorSpec([None, *self.vae.likelihood.x_shape], dtype, name="x")
        seed = tf.TensorSpec([None, 2], tf.int32, name="seed")
        sizes = self.vae.latent_dim if self.is_hierarchy else [self.vae.latent_dim]
        z = tuple(
            tf.TensorSpec([None, size], dtype, name=name) for name, size in zip(self._named("z"), sizes, strict=True)
        )
        found = {
            "reconstruct": Endpoint(self.reconstruct, (x,)),
            "encode": Endpoint(self.encode, (x,)),
            "decode": Endpoint(self.decode, z),
            "generate": Endpoint(self.generate, (seed,)),
            "score": Endpoint(self.score, (x, seed)),
        }
        if takes_images(self.vae.likelihood):
            content = tf.TensorSpec([None], tf.string, name="image_bytes")
            for name in ("reconstruct", "encode", "score"):
                function, inputs = found[name]
                found[f"{name}_bytes"] = Endpoint(self._of_bytes(function), (content, *inputs[1:]))
        return found

    def reconstruct(self, x):
        """Return the likelihood's mean at the posteriors' means."""
        return {"reconstruction": self.vae(self._checked(x), training=False)}

    def encode(self, x):
        """Return each posterior's mean and standard deviation."""
        posteriors = self.vae.latent_posteriors(self._checked(x))
        means = zip(self._named("mean"), (posterior.mean() for posterior in posteriors), strict=True)
        scales = zip(self._named("scale"), (posterior.stddev() for posterior in posteriors), strict=True)
        return {**dict(means), **dict(scales)}

    def decode(self, *z):
        """Return the likelihood's mean at given latents, bottom-up."""
        features = self.vae.decoder(list(z) if self.is_hierarchy else z[0], training=False)
        return {"mean": self.vae.likelihood.mean(self.vae.likelihood(features))}

    def generate(self, seed):
        """Return the likelihood's mean at latents drawn from their priors."""
        top = len(self.priors) - 1
        z = [draw(self.top_prior, fold_in(seed, top))]
        for level in reversed(range(top)):
            z.insert(0, draw(self.priors[level].distribution(condition=z[0]), fold_in(seed, level)))
        return self.decode(*z)

    def score(self, x, seed):
        """Return the terms of the model's objective, for each row at samples of its own."""
        rows = [tf.shape(x)[0], tf.shape(seed)[0]]
        message = "`seed` must have a row for each row of the observations. Received: rows of both"
        with tf.control_dependencies([tf.debugging.Assert(rows[0] == rows[1], [message, rows])]):
            seed = tf.identity(seed)
        objective = self.vae.objective
        record = self.vae.infer(self._checked(x), num_samples=objective.num_samples, seed=seed)
        *lower, top = record.latents
        record = record._replace(latents=(*lower, top._replace(prior=self.top_prior)))
        terms = objective(record, step=0, training=False)
        found = {"elbo": terms.elbo, "rate": terms.kl_loss, "distortion": terms.reconstruction_loss}
        return {name: term for name, term in {**found, "iwelbo": terms.iwelbo}.items() if term is not None}

    def _named(self, stem):
        return [f"{stem}_{level + 1}" for level in range(len(self.priors))] if self.is_hierarchy else [stem]

    def _checked(self, x):
        likelihood = self.vae.likelihood
        owner = f"the likelihood {type(likelihood).__name__}"
        return assert_values(x, support=likelihood.support, integer=likelihood.integer_valued, owner=owner)

    def _of_bytes(self, function):
        images = decoder(self.vae.likelihood, self.black_and_white)

        def of_bytes(image_bytes, *others):
            return function(images(image_bytes), *others)

        return of_bytes
