"""Sampling from the prior."""

import tensorflow as tf

from keras_vae.core import Batch, Stream, fold_in
from keras_vae.evaluation.estimate import LogMean, SharedSamples
from keras_vae.evaluation.execution import Steps, compiled, plan_prior, specs_of, tensors_of
from keras_vae.evaluation.importance import importance_estimate
from keras_vae.evaluation.pareto import LargestWeights


def prior_estimate(vae, x, num_samples, *, seed, batch_size, progress):
    """Estimate log p(x) as log 1/K sum_k p(x|z_k), z_k drawn from p(z); each sample is decoded once, for all images."""
    if vae.condition is not None:  # each example has a prior, or at least a decoder, of its own
        options = {"seed": seed, "batch_size": batch_size, "progress": progress, "proposal": "prior"}
        return importance_estimate(vae, x, num_samples, **options)
    plan = plan_prior(num_samples, vae.likelihood.working_numbers, batch_size)
    integers = [tf.TensorSpec([], tf.int32)] * 2
    decode = compiled(vae, _make_decode, plan.samples, signature=integers)
    parameters = decode.get_concrete_function().structured_outputs
    specs = tf.nest.map_structure(lambda tensor: tf.TensorSpec(tensor.shape, tensor.dtype), parameters)
    total, largest = LogMean(len(x.x)), LargestWeights(len(x.x), num_samples, vae.variable_dtype)
    shared = SharedSamples(len(x.x), plan.samples, plan.chunks)
    shape = (plan.samples, shared.width, min(largest.number, plan.samples))
    sums = compiled(vae, _make_sums, *shape, signature=[specs_of(x), specs, *integers])
    steps = Steps(plan.chunks, "chunk", progress)
    for chunk in range(plan.chunks):
        parameters = decode(chunk, seed)
        for start in range(0, len(x.x), plan.images):
            rows = slice(start, start + plan.images)
            batch = tensors_of(x.rows(rows.start, rows.stop))
            of_blocks, *parts, top = (part.numpy() for part in sums(batch, parameters, chunk, num_samples))
            total.add(rows, *parts)
            shared.add(rows, chunk, of_blocks)
            largest.add(rows, top)
        if steps.is_over(chunk + 1):
            break
    taken = min(num_samples, (chunk + 1) * plan.samples)
    # The tail of fewer samples than were planned is shorter, and is not fitted.
    pareto_k = largest.pareto_k() if taken == num_samples else None
    return total.estimate(taken, mean_standard_error=shared.mean_standard_error(taken), pareto_k=pareto_k)


def _make_decode(vae, samples):
    def decode(chunk, seed):
        parameters = vae.decoded(vae.sample_prior(samples, fold_in(seed, Stream.PRIOR, chunk)))
        # A place for the images: (samples, 1, *event_shape).
        return {name: value if value.shape.rank == 0 else value[:, None] for name, value in parameters.items()}

    return decode


def _make_sums(vae, samples, width, number):
    def sums(batch, parameters, chunk, num_samples):
        log_weight = vae.log_likelihood(Batch(**batch), parameters)  # (samples, images)
        counts = chunk * samples + tf.range(samples) < num_samples
        nothing = tf.constant(float("-inf"), log_weight.dtype)
        log_weight = tf.where(counts[:, None], log_weight, nothing)
        top = tf.math.top_k(tf.transpose(log_weight), number, sorted=False).values  # (images, number)
        blocks = tf.pad(log_weight, [[0, -samples % width], [0, 0]], constant_values=nothing)
        blocks = tf.reshape(blocks, [-1, width, tf.shape(log_weight)[1]])
        of_blocks = tf.reduce_logsumexp(blocks, axis=1)
        return of_blocks, tf.reduce_logsumexp(of_blocks, axis=0), tf.reduce_logsumexp(2 * log_weight, axis=0), top

    return sums
