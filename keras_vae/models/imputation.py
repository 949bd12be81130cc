"""What is missing, given what is observed: self-normalised importance sampling."""

import numpy as np
import tensorflow as tf

from keras_vae.core import MAX_NUMBERS, Batch, Stream, equal_chunks, fold_in, right_aligned
from keras_vae.models.inputs import host_batches


def impute(vae, data, num_samples, *, num_imputations, seed, size):
    """Fill gaps in by means or, where `num_imputations` is given, by draws; see the model's `impute`."""
    if not vae.likelihood.scores_elements:
        raise ValueError(
            f"`impute` needs a likelihood that scores single elements. Received: {type(vae.likelihood).__name__}"
        )
    for posterior in (level.posterior for level in vae.levels):
        if not posterior.is_distribution:
            raise ValueError(f"`impute` needs a posterior with a density. Received: {type(posterior).__name__}")
    # In the precision in which they came: what is observed is handed back.
    spec, place, found = vae.spec._replace(missing=True, dtype=None), 0, []
    for batch in host_batches(data, spec, size):
        if batch.target is not None:
            raise ValueError("`target` must be left out of `impute`, which fills in x. Received: a target")
        found.append(_filled(vae, batch, place, num_samples, num_imputations, seed))
        place += len(batch.x)
    return np.concatenate(found, axis=0 if num_imputations is None else 1)


def _filled(vae, batch, place, num_samples, num_imputations, seed):
    """Fill the gaps of a batch of arrays, which begins at `place` in the data; only rows with gaps are computed."""
    observed = np.broadcast_to(right_aligned(batch.mask, batch.x.ndim), batch.x.shape) != 0
    x, is_mean = batch.x.astype(np.result_type(batch.x.dtype, vae.variable_dtype)), num_imputations is None
    filled = np.tile(x, (1 if is_mean else num_imputations, *[1] * x.ndim))
    rows = np.flatnonzero(~observed.reshape(len(observed), -1).all(axis=1))
    if len(rows):
        fields = Batch(batch.x, batch.condition, batch.mask).map(lambda values: _chosen(values, rows, vae)).fields
        arguments = (vae, fields, (place + rows).astype(np.int32), num_samples)
        values = _means(*arguments, seed)[None] if is_mean else _draws(*arguments, num_imputations, seed)
        filled[:, rows] = np.where(observed[rows], filled[:, rows], values)
    return filled[0] if is_mean else filled


def _chosen(values, rows, vae):
    return values[rows].astype(vae.variable_dtype) if values.dtype.kind == "f" else values[rows]


def _means(vae, fields, places, num_samples, seed):
    """Average over z, chunk by chunk: shape (rows, *x_shape)."""
    samples, chunks = _plan(vae, num_samples)
    total, average = None, None
    for chunk in range(chunks):
        numbers = (np.int32(chunk), np.int32(num_samples), np.int32(seed))
        log_sum, part = vae._run.verbs.run(vae._impute_means, fields, places, *numbers, samples=samples)
        if total is None:
            total, average = log_sum, part
            continue
        new = np.logaddexp(total, log_sum)
        shares = [np.exp(log - new).reshape(-1, *[1] * (part.ndim - 1)) for log in (total, log_sum)]
        total, average = new, shares[0] * average + shares[1] * part
    return vae.likelihood.decided(tf.constant(average)).numpy()


def _draws(vae, fields, places, num_samples, num_imputations, seed):
    """Choose z by its weight, chunk by chunk, and draw x there: shape (num_imputations, rows, *x_shape)."""
    samples, chunks = _plan(vae, num_samples)
    best, z = None, None
    for chunk in range(chunks):
        numbers = (np.int32(chunk), np.int32(num_samples), np.int32(seed))
        options = {"samples": samples, "choices": num_imputations}
        score, chosen = vae._run.verbs.run(vae._impute_choices, fields, places, *numbers, **options)
        if best is None:
            best, z = score, chosen
            continue
        is_better = score > best
        best = np.maximum(best, score)
        z = tuple(np.where(right_aligned(is_better, old.ndim), new, old) for old, new in zip(z, chosen, strict=True))
    condition = {"condition": fields["condition"]} if "condition" in fields else {}
    size, chunks = _plan(vae, num_imputations)
    found = []
    for start in range(0, size * chunks, size):
        part = tuple(level[:, start : start + size] for level in z)
        found.append(vae._run.verbs.run(vae._impute_draws, part, condition, places, np.int32(start), np.int32(seed)))
    return np.moveaxis(np.concatenate(found, axis=1), 1, 0)


def _plan(vae, number):
    return equal_chunks(number, max(1, MAX_NUMBERS // vae.likelihood.working_numbers))


def means(vae, fields, places, chunk, num_samples, seed, *, samples):
    """Return for each row the logarithm of the sum of weights, and the average of what the likelihood averages."""

    def of_one(log_weights, record, place):
        values = vae.likelihood.averaged(record.parameters)[:, 0]  # (samples, ...)
        return tf.reduce_logsumexp(log_weights), tf.tensordot(tf.nn.softmax(log_weights), values, 1)

    signature = (vae.variable_dtype, vae.variable_dtype)
    return _each_row(vae, of_one, signature, fields, places, chunk, num_samples, seed, samples)


def choices(vae, fields, places, chunk, num_samples, seed, *, samples, choices):
    """Return for each row scores and samples of z, each chosen in proportion to its weight.

    The greatest of log w_k + g_k, with g_k from the Gumbel distribution, is sample k with probability w_k / sum w; of
    several chunks it is that of the greatest score.
    """

    def of_one(log_weights, record, place):
        key = fold_in(seed, Stream.RESAMPLING, place, chunk)
        tiny = np.finfo(log_weights.dtype.as_numpy_dtype).tiny
        uniform = tf.random.stateless_uniform([choices, samples], key, tiny, 1.0, log_weights.dtype)
        scores = log_weights - tf.math.log(-tf.math.log(uniform))
        chosen = tf.argmax(scores, axis=1)
        return tf.reduce_max(scores, axis=1), tuple(tf.gather(latent.z[:, 0], chosen) for latent in record.latents)

    signature = (vae.variable_dtype, (vae.variable_dtype,) * len(vae.levels))
    return _each_row(vae, of_one, signature, fields, places, chunk, num_samples, seed, samples)


def draws(vae, z, condition, places, start, seed):
    """Draw x at each row's samples of z, of shapes (rows, imputations, *latent_shape)."""

    def of_one(row):
        z, condition, place = row
        c = None if vae.condition is None else vae.condition(condition["condition"][None], training=False)
        parameters = vae.decoded(tuple(part[:, None] for part in z), c)  # (imputations, 1, *event_shape)
        return vae.likelihood.sample(parameters, fold_in(seed, Stream.IMPUTED_EVENTS, place, start))[:, 0]

    return tf.map_fn(of_one, (z, condition, places), parallel_iterations=1, fn_output_signature=vae.variable_dtype)


def _each_row(vae, of_one, signature, fields, places, chunk, num_samples, seed, samples):
    """Infer each row alone, with noise of its place and the chunk, and map `of_one(log_weights, record, place)`."""
    # A prior made of posteriors is built once.
    top_prior = vae.levels[-1].prior.needs_posterior and vae.prior_of(len(vae.levels) - 1)
    counts = chunk * samples + tf.range(samples) < num_samples

    def of_row(row):
        fields, place = row
        batch = Batch(**fields).map(lambda values: values[None])
        record = vae.infer(batch, num_samples=samples, seed=fold_in(seed, Stream.IMPUTATION, place, chunk))
        log_weights = record.log_weights(top_prior)[:, 0]
        return of_one(tf.where(counts, log_weights, tf.constant(float("-inf"), log_weights.dtype)), record, place)

    return tf.map_fn(of_row, (fields, places), parallel_iterations=1, fn_output_signature=signature)
