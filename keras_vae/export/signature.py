"""What a server says of one signature."""

from typing import NamedTuple

import tensorflow as tf


class Signature(NamedTuple):
    """What a served signature takes and answers.

    Attributes
    ----------
    inputs : dict of tf.TensorSpec
        By name; sizes that may vary are None.
    outputs : dict of tf.TensorSpec
        By name.
    """

    inputs: dict[str, tf.TensorSpec]
    outputs: dict[str, tf.TensorSpec]
