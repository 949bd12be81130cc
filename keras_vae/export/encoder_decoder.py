"""Encoder and decoder as two Keras models of their own, for exporters that take a model and write a file."""

import functools
import pathlib

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import Batch, atomic_directory, check_instance, keras_internals
from keras_vae.export.endpoints import Endpoints, value_range
from keras_vae.export.metadata import write_metadata
from keras_vae.models import LatentVariableModel


class _Half(keras.Model):
    """The encoder or the decoder of a model, whose weights it shares, with named inputs and outputs.

    Values outside the likelihood's support are not refused: neither ONNX nor LiteRT has an operation for it.
    """

    def __init__(self, vae, function, inputs, *, name):
        super().__init__(name=name, dtype="float32")  # whatever the global policy is now
        self.vae = vae
        self.function = tf.function(function, input_signature=inputs, autograph=False)
        self.specs = inputs
        self.built = True

    def call(self, inputs):
        """Run it on a tensor, or on a list of them."""
        return self.function(*(inputs if isinstance(inputs, (list, tuple)) else [inputs]))

    @property
    def signature(self):
        """What `keras.Model.export` takes for `input_signature`."""
        return list(self.specs) if len(self.specs) == 1 else [list(self.specs)]


def encoder_and_decoder(vae):
    """Return two models: "encode", from `x` to `mean` and `scale`, and "decode", from `z` to `mean`.

    Of a model with several levels they are `mean_1` and so on.
    """
    check_instance("vae", vae, LatentVariableModel, "a model of keras_vae")
    vae.ensure_built()
    precisions = {layer.compute_dtype for layer in keras_internals.all_layers(vae)} - {"float32"}
    if precisions:
        raise ValueError(
            "`vae` must compute in float32 for this format: build it under the dtype policy float32 and give it these "
            f"weights with `set_weights`. Received: layers that compute in {sorted(precisions)}"
        )
    endpoints = Endpoints(vae, value_range(vae.likelihood)).all()
    encode = functools.partial(_encode, vae)
    return {
        "encode": _Half(vae, encode, endpoints["encode"].inputs, name="encoder"),
        "decode": _Half(vae, endpoints["decode"].function, endpoints["decode"].inputs, name="decoder"),
    }


def write_halves(vae, path, write):
    """Write encoder and decoder, each by `write(half, directory)`, and what they are: all of it or nothing."""
    halves, path = encoder_and_decoder(vae), pathlib.Path(path)
    if path.exists():
        raise FileExistsError(
            f"`path` must be a directory that is not there yet. Received: {str(path)!r}, which exists"
        )
    with atomic_directory(path) as aside:
        for half in halves.values():
            write(half, aside)
        functions = {name: half.function.get_concrete_function() for name, half in halves.items()}
        write_metadata(aside, vae, functions, value_range(vae.likelihood))
    return path


def _encode(vae, *x_and_condition):
    names = zip(vae.names_of_levels("mean"), vae.names_of_levels("scale"), strict=True)
    found = {}
    for (mean, scale), posterior in zip(names, vae.latent_posteriors(Batch(*x_and_condition)), strict=True):
        found[mean], found[scale] = _moments(posterior)
    return found


@functools.singledispatch
def _moments(distribution):
    """Return mean and standard deviation, where TFP's own need operations that the other formats lack."""
    return distribution.mean(), distribution.stddev()


@_moments.register
def _(distribution: tfp.distributions.MultivariateNormalTriL):
    factor = distribution.parameters["scale_tril"]
    return distribution.loc, tf.sqrt(tf.reduce_sum(factor**2, axis=-1))


@_moments.register
def _(distribution: tfp.distributions.Independent):
    if not isinstance(distribution.distribution, tfp.distributions.Deterministic):
        return distribution.mean(), distribution.stddev()
    return distribution.distribution.loc, tf.zeros_like(distribution.distribution.loc)
