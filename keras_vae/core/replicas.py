"""Sums over all replicas of a `tf.distribute` strategy, from inside a training step."""

import tensorflow as tf


def num_replicas():
    """Return how many replicas the current strategy keeps in step.

    Returns
    -------
    int
    """
    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_id():
    """Return this replica's number; 0 outside of a replica.

    Returns
    -------
    int or tf.Tensor
        Scalar, from 0 to `num_replicas()` - 1.
    """
    context = tf.distribute.get_replica_context()
    return 0 if context is None else context.replica_id_in_sync_group


def is_multi_worker(strategy=None):
    """Return whether a strategy has replicas in other processes.

    Parameters
    ----------
    strategy : tf.distribute.Strategy, optional
        By default the current one.

    Returns
    -------
    bool
    """
    strategy = strategy or tf.distribute.get_strategy()
    return strategy.num_replicas_in_sync > 1 and strategy.num_replicas_in_sync > len(strategy.extended.worker_devices)


def global_sum(value):
    """Sum a tensor over all replicas. Not differentiable; the identity with one replica.

    Parameters
    ----------
    value : tf.Tensor
        This replica's part, of a shape that is the same on every replica.

    Returns
    -------
    tf.Tensor
        The sum, the same on every replica.
    """
    context = tf.distribute.get_replica_context()
    if context is None or num_replicas() == 1:
        return tf.stop_gradient(value)

    def reduce(strategy, part):
        parts = strategy.experimental_local_results(part)
        if len(parts) == strategy.num_replicas_in_sync:
            # On one machine a plain sum: a collective could meet the gradients' own collectives in an order that
            # differs between replicas, and wait forever.
            return tf.add_n(parts)
        return strategy.reduce(tf.distribute.ReduceOp.SUM, part, axis=None)

    return tf.stop_gradient(context.merge_call(reduce, args=(value,)))


def global_mean(values, weights):
    """Average over the examples of the whole batch, on whatever replica they are. Not differentiable.

    Parameters
    ----------
    values : tf.Tensor
        Shape (batch, ...): one value, or one vector, for each example of this replica.
    weights : tf.Tensor
        Shape (batch,): the weight of each example.

    Returns
    -------
    tf.Tensor
        Shape (...): `sum_i w_i v_i / sum_i w_i` over the global batch.
    """
    weights = tf.cast(weights, values.dtype)
    total = global_sum(tf.tensordot(weights, values, axes=1))
    return tf.math.divide_no_nan(total, global_sum(tf.reduce_sum(weights)))


def gather(values: tf.Tensor) -> tf.Tensor:
    """Join the rows of all replicas, in their order. Differentiable; the identity with one replica.

    An objective that couples examples calls it, so that N replicas give the gradients of one on the whole batch.

    Parameters
    ----------
    values : tf.Tensor
        Shape (batch, ...): this replica's rows; replicas may have different numbers of them.

    Returns
    -------
    tf.Tensor
        Shape (global batch, ...), the same on every replica.
    """
    context = tf.distribute.get_replica_context()
    if context is None or num_replicas() == 1:
        return values
    return context.all_gather(values, axis=0)
