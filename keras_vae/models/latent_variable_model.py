"""What every latent-variable model shares with its users: verbs, and files out and in."""

import keras
import tensorflow as tf

from keras_vae.core import (
    FORMAT_VERSION,
    atomic_write,
    check_format_version,
    check_integer,
    deserialize,
    resolve_seed,
    serialize,
    write_keras_file,
)
from keras_vae.models.checked_training import CheckedTraining
from keras_vae.models.verbs import CompiledVerbs

_SAMPLE_SIGNATURE = (tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int32))


class LatentVariableModel(CheckedTraining):
    """A `keras.Model` with latent variables: `infer` makes the record, an objective reads it, this class trains.

    A subclass sets `likelihood`, names its parts in `part_names` and `sequence_names`, and implements `infer`, `build`,
    `call`, `_decode` and `_sample_prior`. All that is logged is an average over examples, in nats.

    Parameters
    ----------
    objective : Objective
        What is minimised.
    seed : int, optional
        Seed of all noise: of the training steps, which is a pure function of (seed, step, replica), and of `evaluate`,
        which draws the same noise each time. A fresh one by default.
    **kwargs
        Passed to `keras.Model`.
    """

    part_names = ()
    """Arguments that are parts, each serialized by itself."""

    sequence_names = ()
    """Arguments that are sequences of parts."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._noise = keras.random.SeedGenerator(self.seed)
        self._verbs = CompiledVerbs()

    @property
    def event_shape(self):
        """The shape of one observation."""
        return self.likelihood.event_shape

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
        return self._verbs.run(self.call, [self._rule().check(x)], self.variable_dtype, batch_size)

    def generate(self, num_samples=1, *, seed=None, batch_size=128):
        """Draw the latents from their prior and return the likelihood's mean, E[x|z].

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

        Raises
        ------
        ValueError
            If an argument is out of range.
        """
        check_integer("num_samples", num_samples, minimum=1)
        self._ensure_built()
        z = self._verbs.compiled(self._sample_prior, _SAMPLE_SIGNATURE)(resolve_seed(seed), num_samples)
        return self._verbs.run(self._decode, [part.numpy() for part in z], self.variable_dtype, batch_size)

    def save(self, filepath, overwrite=True, **kwargs):
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
            If the file's name is that of a format from which the model would not load again.
        OSError
            If the file cannot be written.
        """
        if str(filepath).endswith((".h5", ".hdf5")):
            raise ValueError(f"`filepath` must end in `.keras`. Received: filepath={str(filepath)!r}")
        self._ensure_built()
        self._write(super().save, filepath, overwrite, **kwargs)

    def save_weights(self, filepath, overwrite=True, **kwargs):
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
        OSError
            If the file cannot be written.
        """
        self._ensure_built()
        self._write(super().save_weights, filepath, overwrite, **kwargs)

    def load_weights(self, filepath, **kwargs):
        """Load weights that `save_weights` wrote.

        Parameters
        ----------
        filepath : str or pathlib.Path
            Where they are.
        **kwargs
            As in `keras.Model.load_weights`.
        """
        self._ensure_built()
        super().load_weights(filepath, **kwargs)

    def summary(self, *args, **kwargs):
        """Print the parts and their sizes, as `keras.Model.summary` does.

        Parameters
        ----------
        *args, **kwargs
            As in `keras.Model.summary`.
        """
        self._ensure_built()
        super().summary(*args, **kwargs)

    def get_config(self):
        """Return the parts' configs, the seed and the file format's version."""
        parts = {name: serialize(getattr(self, name)) for name in self.part_names}
        sequences = {name: [serialize(part) for part in getattr(self, name)] for name in self.sequence_names}
        return {**super().get_config(), **parts, **sequences, "seed": self.seed, "format_version": FORMAT_VERSION}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Rebuild a model from `get_config`."""
        config = dict(config)
        check_format_version(config.pop("format_version", FORMAT_VERSION))
        for name in cls.part_names:
            config[name] = deserialize(config[name], custom_objects)
        for name in cls.sequence_names:
            config[name] = [deserialize(part, custom_objects) for part in config[name]]
        return cls(**config)

    def _checked_observations(self, x, condition=None, num_samples=1):
        """Check the arguments of `infer`, build the model if need be, and return x as a tensor."""
        if condition is not None:
            raise ValueError(f"`condition` must be None for `{type(self).__name__}`. Received: {condition!r}")
        check_integer("num_samples", num_samples, minimum=1)
        self._ensure_built()
        x = tf.convert_to_tensor(x)
        self._rule().check_spec(x)
        return x

    @staticmethod
    def _unfold(parameters, z):
        """Give parameters of a folded batch the leading axes (num_samples, batch) of z."""

        def unfold(parameter):
            if parameter.shape.rank == 0:  # shared by all examples
                return parameter
            return tf.reshape(parameter, tf.concat([tf.shape(z)[:2], tf.shape(parameter)[1:]], axis=0))

        return {name: unfold(parameter) for name, parameter in parameters.items()}

    def _write(self, method, filepath, overwrite, **kwargs):
        # A directory, several files, a remote address or a question about overwriting is Keras's affair.
        is_one_file = str(filepath).endswith((".keras", ".weights.h5")) and kwargs.get("max_shard_size") is None
        if not is_one_file or "://" in str(filepath) or not overwrite:
            method(filepath, overwrite=overwrite, **kwargs)
            return
        with atomic_write(filepath) as aside:
            write_keras_file(aside, lambda file: method(file, **kwargs))
