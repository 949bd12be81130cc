"""Importance sampling from q(z|x)."""

import tensorflow as tf

from keras_vae.core import fold_in
from keras_vae.evaluation.checks import progress_bar
from keras_vae.evaluation.chunks import plan_importance
from keras_vae.evaluation.compiled import compiled
from keras_vae.evaluation.estimate import LogMean
from keras_vae.evaluation.joint import Joint, log_weights
from keras_vae.evaluation.pareto import LargestWeights

_IMAGES = 64


def importance_estimate(vae, x, num_samples, *, seed, batch_size, progress):
    """Estimate log p(x) as log 1/K sum_k p(x, z_k) / q(z_k|x), z_k drawn from q(z|x) (Burda et al. 2016, section 5).

    Each image is decoded alone, with noise that depends on the seed and the image's place in x.

    Parameters
    ----------
    vae : keras_vae.models.LatentVariableModel
        The model.
    x : numpy.ndarray
        Shape (n, *x_shape).
    num_samples : int
        K.
    seed : int
        Of the noise.
    batch_size : int or None
        Images that are handed over at a time.
    progress : bool
        Whether a bar is shown.

    Returns
    -------
    Estimate
    """
    plan = plan_importance(num_samples, vae.likelihood.working_numbers)
    images = tf.TensorSpec([None, *x.shape[1:]], x.dtype)
    integers = [tf.TensorSpec([None], tf.int32), *[tf.TensorSpec([], tf.int32)] * 3]
    total, largest = LogMean(len(x)), LargestWeights(len(x), num_samples, x.dtype)
    sums = compiled(vae, _make_sums, plan.samples, min(largest.number, plan.samples), signature=[images, *integers])
    bar = progress_bar(len(x), "image", progress)
    batch_size = batch_size or _IMAGES
    for start in range(0, len(x), batch_size):
        rows = slice(start, min(start + batch_size, len(x)))
        batch, places = tf.constant(x[rows]), tf.range(rows.start, rows.stop)
        for chunk in range(plan.chunks):
            *parts, top = (part.numpy() for part in sums(batch, places, chunk, num_samples, seed))
            total.add(rows, *parts)
            largest.add(rows, top)
        bar.update(rows.stop)
    return total.estimate(num_samples, pareto_k=largest.pareto_k())


def _make_sums(vae, samples, number):
    joint = Joint(vae)

    def sums(batch, places, chunk, num_samples, seed):
        top_prior = joint.top_prior()
        counts = chunk * samples + tf.range(samples) < num_samples

        def of_one_image(image):
            x, place = image
            record = vae.infer(x[None], num_samples=samples, seed=fold_in(seed, place, chunk))
            log_weight = log_weights(record, top_prior)[:, 0]
            log_weight = tf.where(counts, log_weight, tf.constant(float("-inf"), log_weight.dtype))
            top = tf.math.top_k(log_weight, number, sorted=False).values
            return tf.reduce_logsumexp(log_weight), tf.reduce_logsumexp(2 * log_weight), top

        return tf.map_fn(of_one_image, (batch, places), parallel_iterations=1, fn_output_signature=(batch.dtype,) * 3)

    return sums
