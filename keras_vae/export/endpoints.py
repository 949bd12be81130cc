"""What an exported model returns: a function and its named inputs for each signature, images as files too."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from keras_vae.core import Batch, fold_in
from keras_vae.export.draw import draw


class Endpoint(NamedTuple):
    """One signature: a function of tensors to a dictionary of tensors, all with a batch axis, and its named inputs."""

    function: Callable
    inputs: tuple[tf.TensorSpec, ...]


class Endpoints:
    """The graphs of a built model, each row of whose outputs depends on the same row of the inputs alone.

    `black_and_white` is what the pixels 0 and 255 of image files are to the model.
    """

    def __init__(self, vae, black_and_white):
        self.vae = vae
        self.black_and_white = black_and_white
        # Without the scale: the warning about it is in Python, which no server runs.
        self.spec, self.objective_spec = (
            spec._replace(x=spec.x._replace(scale=None)) for spec in (vae.spec, vae.objective_spec)
        )
        # Computed here, so that a prior made of posteriors costs nothing when it is served.
        self.top_prior = None
        if not vae.levels[-1].prior.is_conditional:
            self.top_prior = vae.prior_of(len(vae.levels) - 1)

    def all(self):
        """Return the signatures by name, the default one first."""
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
        batch = self.objective_spec.asserted(Batch(x, *condition))
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
        images = image_decoder(self.vae.likelihood, self.black_and_white)

        def of_bytes(image_bytes, *others):
            return function(images(image_bytes), *others)

        return of_bytes


def takes_images(likelihood):
    """Return whether observations are images that PNG and JPEG files can hold: grey or with three colours."""
    return len(likelihood.event_shape) == 3 and likelihood.event_shape[-1] in (1, 3)


def value_range(likelihood, image_range=None):
    """Return what black and white are to a model: `image_range`, the likelihood's support or categories, or 0 and 1."""
    if image_range is not None:
        return image_range
    if _is_one_hot(likelihood):
        return 0.0, likelihood.x_shape[-1] - 1.0
    return (0.0, 1.0) if likelihood.support is None else likelihood.support


def image_decoder(likelihood, black_and_white):
    """Make the function from PNG and JPEG files, a string tensor, to observations, for use inside a graph.

    0 and 255 become the two values of `black_and_white`; values between are rounded for likelihoods of whole numbers.
    """
    height, width, channels = likelihood.event_shape
    low, high = black_and_white
    message = f"Images must be {height} x {width} pixels. Received: height, width and channels"
    claim = f"Images must be PNG or JPEG files of {height} x {width} pixels. Received: height, width"

    def pixels(content):
        size = _claimed_size(content)
        # Before decoding, which would give memory to whatever size a file claims.
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(size == [height, width]), [claim, size])]):
            content = tf.identity(content)
        image = tf.io.decode_image(content, channels=channels, expand_animations=False)
        size = tf.shape(image)
        is_right = tf.reduce_all(size == [height, width, channels])
        # Not `tf.ensure_shape`: TensorFlow would conclude that the size is right and drop the assertion.
        with tf.control_dependencies([tf.debugging.Assert(is_right, [message, size])]):
            return tf.identity(image)

    def decode(contents):
        images = tf.map_fn(pixels, contents, fn_output_signature=tf.TensorSpec(likelihood.event_shape, tf.uint8))
        x = low + tf.cast(images, tf.float32) * ((high - low) / 255.0)
        if not likelihood.integer_valued:
            return x
        x = tf.round(x)
        return tf.one_hot(tf.cast(x, tf.int32), likelihood.x_shape[-1]) if _is_one_hot(likelihood) else x

    return decode


def _claimed_size(content):
    """Return the height and width that the head of a PNG or JPEG file claims; zeros for other files."""

    def of_png():
        head = tf.io.decode_raw(tf.strings.substr(content + 24 * b"\0", 16, 8), tf.uint8)  # width, height: big-endian
        numbers = tf.reshape(tf.cast(head, tf.int64), [2, 4])
        width, height = tf.unstack(tf.reduce_sum(numbers * [2**24, 2**16, 2**8, 1], axis=1))
        return tf.cast(tf.minimum(tf.stack([height, width]), 2**31 - 1), tf.int32)

    def of_jpeg_or_other():
        is_jpeg = tf.strings.substr(content, 0, 2) == b"\xff\xd8"
        return tf.cond(is_jpeg, lambda: tf.image.extract_jpeg_shape(content)[:2], lambda: tf.zeros([2], tf.int32))

    return tf.cond(tf.strings.substr(content, 0, 8) == b"\x89PNG\r\n\x1a\n", of_png, of_jpeg_or_other)


def _is_one_hot(likelihood):
    return likelihood.x_shape != likelihood.event_shape
