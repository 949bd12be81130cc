"""Importance sampling from q(z|x)."""

import tensorflow as tf

from keras_vae.core import Batch, Stream, fold_in
from keras_vae.evaluation.estimate import LogMean
from keras_vae.evaluation.execution import Steps, compiled, plan_importance, specs_of, tensors_of
from keras_vae.evaluation.pareto import LargestWeights


def importance_estimate(vae, x, num_samples, *, seed, batch_size, progress, proposal="posterior"):
    """Estimate log p(x) as log 1/K sum_k p(x, z_k) / q(z_k|x), z_k drawn from q(z|x) (Burda et al. 2016, section 5).

    Each image is decoded alone, with noise that depends on the seed and the image's place in x; `batch_size` images are
    handed over at a time. With proposal="prior" z is drawn from p(z|c), and the estimate is log 1/K sum_k p(x|z_k, c).
    """
    plan = plan_importance(num_samples, vae.likelihood.working_numbers, batch_size)
    integers = [tf.TensorSpec([None], tf.int32), *[tf.TensorSpec([], tf.int32)] * 3]
    total, largest = LogMean(len(x.x)), LargestWeights(len(x.x), num_samples, vae.variable_dtype)
    number = min(largest.number, plan.samples)
    sums = compiled(vae, _make_sums, plan.samples, number, proposal, signature=[specs_of(x), *integers])
    steps = Steps(len(x.x), "image", progress)
    for start in range(0, len(x.x), plan.images):
        rows = slice(start, min(start + plan.images, len(x.x)))
        batch, places = tensors_of(x.rows(rows.start, rows.stop)), tf.range(rows.start, rows.stop)
        for chunk in range(plan.chunks):
            *parts, top = (part.numpy() for part in sums(batch, places, chunk, num_samples, seed))
            total.add(rows, *parts)
            largest.add(rows, top)
        if steps.is_over(rows.stop):
            break
    return total.estimate(num_samples, pareto_k=largest.pareto_k()).first(rows.stop)


def _make_sums(vae, samples, number, proposal):
    def sums(batch, places, chunk, num_samples, seed):
        # A prior made of posteriors is built once; the record's own is then left out of the graph.
        top_prior = vae.levels[-1].prior.needs_posterior and vae.prior_of(len(vae.levels) - 1)
        counts = chunk * samples + tf.range(samples) < num_samples

        def of_one_image(image):
            fields, place = image
            batch = Batch(**fields).map(lambda values: values[None])
            if proposal == "posterior":
                record = vae.infer(batch, num_samples=samples, seed=fold_in(seed, Stream.IMPORTANCE, place, chunk))
                log_weight = record.log_weights(top_prior)[:, 0]
            else:
                log_weight = _log_likelihoods(vae, batch, samples, fold_in(seed, Stream.PRIOR, place, chunk))
            log_weight = tf.where(counts, log_weight, tf.constant(float("-inf"), log_weight.dtype))
            top = tf.math.top_k(log_weight, number, sorted=False).values
            return tf.reduce_logsumexp(log_weight), tf.reduce_logsumexp(2 * log_weight), top

        return tf.map_fn(
            of_one_image, (batch, places), parallel_iterations=1, fn_output_signature=(vae.variable_dtype,) * 3
        )

    return sums


def _log_likelihoods(vae, batch, samples, seed):
    """Return log p(x|z, c) of one example at samples of p(z|c), of shape (samples,)."""
    condition = vae.condition(batch.condition)
    z = vae.sample_prior(samples, seed, tf.repeat(condition, samples, axis=0))
    parameters = vae.decoded(tuple(part[:, None] for part in z), condition)  # (samples, 1, *event_shape)
    return vae.log_likelihood(vae.spec.tensors(batch), parameters)[:, 0]
