"""Floor 0: what every room uses: checks, seeds, sums over replicas, serialization, files and the record."""

from keras_vae.core.bounds import bounded
from keras_vae.core.files import atomic_directory, atomic_write, check_writable_directory, remove_partial
from keras_vae.core.inference import Inference
from keras_vae.core.initializers import fresh
from keras_vae.core.keras_file import write_keras_file
from keras_vae.core.latent import Latent
from keras_vae.core.noise import standard_normal, uniform_rows
from keras_vae.core.normal import Normal
from keras_vae.core.replicas import global_mean, global_sum, is_multi_worker, num_replicas, replica_id
from keras_vae.core.seeds import as_seed, fold_in, resolve_seed
from keras_vae.core.serialization import FORMAT_VERSION, check_format_version, deserialize, register, serialize
from keras_vae.core.validation import (
    check_choice,
    check_instance,
    check_integer,
    check_number,
    check_range,
    check_shape,
)

__all__ = [
    "FORMAT_VERSION",
    "Inference",
    "Latent",
    "Normal",
    "as_seed",
    "atomic_directory",
    "atomic_write",
    "bounded",
    "check_choice",
    "check_format_version",
    "check_instance",
    "check_integer",
    "check_number",
    "check_range",
    "check_shape",
    "check_writable_directory",
    "deserialize",
    "fold_in",
    "fresh",
    "global_mean",
    "global_sum",
    "is_multi_worker",
    "num_replicas",
    "register",
    "remove_partial",
    "replica_id",
    "resolve_seed",
    "serialize",
    "standard_normal",
    "uniform_rows",
    "write_keras_file",
]
