"""Devices and machines that train together, and what one worker tells the others."""

import numpy as np
import tensorflow as tf

from keras_vae_cli.interruption import by_default


def make_strategy(name, cluster):
    """Make TensorFlow's strategy; before anything else is asked of TensorFlow.

    Parameters
    ----------
    name : {"auto", "none", "mirrored", "multi-worker"}
        What the user asked for.
    cluster : Cluster or None
        The workers, where there are several.

    Returns
    -------
    tf.distribute.Strategy
        Of one replica, where this process trains alone on one device.
    """
    if cluster is not None:
        with by_default():  # TensorFlow waits where no handler of ours is called
            return tf.distribute.MultiWorkerMirroredStrategy()
    if name != "mirrored":
        return tf.distribute.get_strategy()
    gpus = [device.name for device in tf.config.list_logical_devices("GPU")]
    if gpus:
        return tf.distribute.MirroredStrategy(gpus)
    cpus = [device.name for device in tf.config.list_logical_devices("CPU")]
    # The default reduction takes one model's shapes a process, and is meant for GPUs.
    return tf.distribute.MirroredStrategy(cpus, tf.distribute.ReductionToOneDevice())


def from_chief(strategy, content):
    """Hand the chief's bytes to all workers; each of them calls this.

    Parameters
    ----------
    strategy : tf.distribute.MultiWorkerMirroredStrategy
        The run's.
    content : bytes
        The chief's; what the others give is of no account.

    Returns
    -------
    bytes
    """
    size = int(_of_first_replica(strategy, np.array([len(content)], np.float64))[0])
    if size == 0:  # of which TensorFlow's reduction dies
        return b""
    mine = np.frombuffer(content[:size].ljust(size), np.uint8)
    return _of_first_replica(strategy, mine.astype(np.float32)).astype(np.uint8).tobytes()


def _of_first_replica(strategy, values):
    """Add up the first replica's values and zeros, in a type that every reduction knows."""

    values = tf.constant(values)

    def share():
        context = tf.distribute.get_replica_context()
        is_first = tf.cast(context.replica_id_in_sync_group == 0, values.dtype)
        return context.all_reduce(tf.distribute.ReduceOp.SUM, is_first * values)

    shared = tf.function(lambda: strategy.run(share))()
    return strategy.experimental_local_results(shared)[0].numpy()
