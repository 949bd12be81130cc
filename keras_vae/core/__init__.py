"""Floor 0: what every room uses: the batch and its spec, the record, noise, replicas, serialization and files."""

from keras_vae.core import keras_internals
from keras_vae.core.batch import Batch, Spec
from keras_vae.core.bounds import bounded
from keras_vae.core.chunks import MAX_NUMBERS, equal_chunks
from keras_vae.core.claims import check_claim, read_npz
from keras_vae.core.file_contents import BrokenFileError, check_content, parse_json, printable, read_bytes, read_json
from keras_vae.core.files import atomic_directory, atomic_write, check_writable_directory, remove_partial, synchronize
from keras_vae.core.finite import check_finite_weights
from keras_vae.core.inference import Inference, Latent
from keras_vae.core.initializers import as_initializer, fresh
from keras_vae.core.keras_file import save_whole, write_keras_file
from keras_vae.core.layer import Layer
from keras_vae.core.lock import DirectoryLock, InUseError
from keras_vae.core.noise import standard_normal, uniform_rows
from keras_vae.core.normal import Normal
from keras_vae.core.replicas import gather, global_mean, global_sum, is_multi_worker, num_replicas, replica_id
from keras_vae.core.seeds import Stream, as_seed, fold_in, resolve_seed
from keras_vae.core.serialization import (
    FORMAT_VERSION,
    check_format_version,
    check_restorable,
    deserialize,
    register,
    serialize,
)
from keras_vae.core.settled import Settled
from keras_vae.core.tables import html_table
from keras_vae.core.validation import (
    check_choice,
    check_instance,
    check_integer,
    check_keras,
    check_number,
    check_range,
    check_shape,
    last_activation,
)
from keras_vae.core.values import Values, as_array, numbered, remark, right_aligned

__all__ = [
    "FORMAT_VERSION",
    "MAX_NUMBERS",
    "Batch",
    "BrokenFileError",
    "DirectoryLock",
    "InUseError",
    "Inference",
    "Latent",
    "Layer",
    "Normal",
    "Settled",
    "Spec",
    "Stream",
    "Values",
    "as_array",
    "as_initializer",
    "as_seed",
    "atomic_directory",
    "atomic_write",
    "bounded",
    "check_choice",
    "check_claim",
    "check_content",
    "check_finite_weights",
    "check_format_version",
    "check_instance",
    "check_integer",
    "check_keras",
    "check_number",
    "check_range",
    "check_restorable",
    "check_shape",
    "check_writable_directory",
    "deserialize",
    "equal_chunks",
    "fold_in",
    "fresh",
    "gather",
    "global_mean",
    "global_sum",
    "html_table",
    "is_multi_worker",
    "keras_internals",
    "last_activation",
    "num_replicas",
    "numbered",
    "parse_json",
    "printable",
    "read_bytes",
    "read_json",
    "read_npz",
    "register",
    "remark",
    "remove_partial",
    "replica_id",
    "resolve_seed",
    "right_aligned",
    "save_whole",
    "serialize",
    "standard_normal",
    "synchronize",
    "uniform_rows",
    "write_keras_file",
]
