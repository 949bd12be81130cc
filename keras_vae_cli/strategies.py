"""Devices and machines that train together; all workers hear from the chief, and do what it does."""

import dataclasses
import json

import numpy as np
import tensorflow as tf

from keras_vae_cli.arguments import is_folder
from keras_vae_cli.command import Mistake, flag_of, versions
from keras_vae_cli.interruption import by_default


def make_strategy(name, cluster):
    """Make TensorFlow's strategy, before any other call of TensorFlow."""
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
    """Hand the chief's bytes to all workers; each of them calls this."""
    size = int(_of_first_replica(strategy, np.array([len(content)], np.float64))[0])
    if size == 0:  # TensorFlow's reduction dies of an empty tensor
        return b""
    mine = np.frombuffer(content[:size].ljust(size), np.uint8)
    return _of_first_replica(strategy, mine.astype(np.float32)).astype(np.uint8).tobytes()


def check_agreement(strategy, settings, data):
    """Refuse to train beside a chief that does something else; each worker calls this."""
    values = dataclasses.asdict(settings)
    if is_folder(settings.dataset):
        del values["dataset"]  # it may have another name on each machine
    mine = {flag_of(name): value for name, value in values.items()}
    mine |= {"training images": data.num_train, "test images": data.num_test, **versions()}
    mine = json.loads(json.dumps(mine))
    chief = json.loads(from_chief(strategy, json.dumps(mine).encode()))
    differences = [f"{name} {mine[name]} and not {value}" for name, value in chief.items() if mine[name] != value]
    if differences:
        raise Mistake(
            "All workers must have the settings, the data and the packages of the chief. "
            f"Received: {'; '.join(differences)}"
        )


def _of_first_replica(strategy, values):
    """Add up the first replica's values and zeros, in a type that every reduction knows."""
    values = tf.constant(values)

    def share():
        context = tf.distribute.get_replica_context()
        is_first = tf.cast(context.replica_id_in_sync_group == 0, values.dtype)
        return context.all_reduce(tf.distribute.ReduceOp.SUM, is_first * values)

    shared = tf.function(lambda: strategy.run(share))()
    return strategy.experimental_local_results(shared)[0].numpy()
