"""Annealed importance sampling with Hamiltonian Monte Carlo."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.core import Stream, check_choice, check_integer, fold_in
from keras_vae.evaluation.estimate import LogMean
from keras_vae.evaluation.execution import Steps, compiled, plan_annealing, specs_of, tensors_of

# Within a stream of noise: where chains begin, and how they move.
_START, _MOVES = range(2)
_PILOT_CHAINS = 16
_FIRST_STEP_SIZE = 0.2
# Above the 0.65 that suits chains in equilibrium (Beskos et al. 2013): one that stands still falls behind the path.
_ACCEPTANCE = 0.8
_GAIN = 0.1


class Annealing:
    """Chains along `f_t(z) = start(z)^(1 - beta_t) p(x, z)^beta_t`, for images of one size.

    Going up, a chain begins at a draw of `start`, and its weight is an unbiased estimate of p(x) (Neal 2001, eq. 7-8).
    Going down, it begins at an exact draw of p(z|x), and its weight is an unbiased estimate of 1 / p(x) (Grosse et al.
    2015, section 3).

    `fields` are the specs of what batches hold. There are T = `num_steps` steps from beta = 0 to beta = 1.
    """

    def __init__(self, vae, fields, *, num_steps, num_leapfrog_steps, start, seed):
        check_integer("num_steps", num_steps, minimum=1)
        check_integer("num_leapfrog_steps", num_leapfrog_steps, minimum=1)
        check_choice("start", start, ("prior", "posterior"))
        if start == "posterior" and len(vae.levels) > 1:
            raise ValueError(
                '`start` must be "prior" for a model of several levels: q(z|x) is known at its own samples only. '
                f"Received: start={start!r}"
            )
        self.seed = seed
        self.betas = tf.constant(sigmoid_betas(num_steps), vae.variable_dtype)
        z = tuple(tf.TensorSpec([None, None, *shape], vae.variable_dtype) for shape in vae.latent_shapes)
        path, steps = tf.TensorSpec([None], vae.variable_dtype), tf.TensorSpec([None, None], vae.variable_dtype)
        integer, key = tf.TensorSpec([], tf.int32), tf.TensorSpec([2], tf.int32)
        self._begin = compiled(vae, _make_begin, start, signature=[fields, integer, key])
        arguments = (start, num_leapfrog_steps)
        self._tune = compiled(vae, _make_chain, "tune", *arguments, signature=[fields, z, path, steps, key])
        self._up = compiled(vae, _make_chain, "up", *arguments, signature=[fields, z, path, steps, key])
        self._down = compiled(vae, _make_chain, "down", *arguments, signature=[fields, z, path, steps, key])

    def tune(self, x, num_chains, place):
        """Run pilot chains and return step sizes that suit them, of shape (num_steps, batch), for other chains to keep.

        `x` are the fields of a batch that begins at `place` in the data. At most 16 of `num_chains` are piloted.
        """
        z = self._begin(x, min(num_chains, _PILOT_CHAINS), fold_in(self.seed, Stream.PILOT, place, _START))
        shape = [len(self.betas) - 1, len(x["x"])]
        first = tf.fill(shape, tf.constant(_FIRST_STEP_SIZE, self.betas.dtype))
        return self._tune(x, z, self.betas, first, fold_in(self.seed, Stream.PILOT, place, _MOVES))[1]

    def up(self, x, num_chains, steps, place, chunk=0):
        """Run chains from the start to p(x, z); return their log weights, of shape (num_chains, batch)."""
        z = self._begin(x, num_chains, fold_in(self.seed, Stream.UP, place, chunk, _START))
        return self._up(x, z, self.betas, steps, fold_in(self.seed, Stream.UP, place, chunk, _MOVES))[0]

    def down(self, x, z, num_chains, steps, place, chunk=0):
        """Run chains, all from one exact draw z of p(z|x), to the start; means of their weights estimate 1 / p(x)."""
        z = tuple(tf.repeat(part[None], num_chains, axis=0) for part in z)
        return self._down(x, z, self.betas, steps, fold_in(self.seed, Stream.DOWN, place, chunk, _MOVES))[0]


def annealed_estimate(vae, x, num_chains, *, seed, batch_size, progress, **options):
    """Estimate log p(x) by chains up the path; see `log_evidence`. The options are those of `Annealing`."""
    annealing = Annealing(vae, specs_of(x), seed=seed, **options)
    plan = plan_annealing(num_chains, vae.likelihood.working_numbers, batch_size)
    total = LogMean(len(x.x))
    shown = Steps(len(x.x), "image", progress)
    for start in range(0, len(x.x), plan.images):
        rows = slice(start, min(start + plan.images, len(x.x)))
        batch = tensors_of(x.rows(rows.start, rows.stop))
        steps = annealing.tune(batch, plan.samples, start)
        for chunk in range(plan.chunks):
            size = min(plan.samples, num_chains - chunk * plan.samples)
            log_weight = annealing.up(batch, size, steps, start, chunk)
            total.add(rows, tf.reduce_logsumexp(log_weight, axis=0), tf.reduce_logsumexp(2 * log_weight, axis=0))
        if shown.is_over(rows.stop):
            break
    return total.estimate(num_chains).first(rows.stop)


def sigmoid_betas(num_steps, steepness=4.0):
    """Space num_steps + 1 betas from 0 to 1 by a sigmoid, closer at both ends (Grosse et al. 2015, section 6)."""
    curve = 1.0 / (1.0 + np.exp(-steepness * np.linspace(-1.0, 1.0, num_steps + 1)))
    return (curve - curve[0]) / (curve[-1] - curve[0])


def _make_begin(vae, start):
    def begin(fields, num_chains, key):
        if start == "posterior":
            return (vae.posterior_of(fields).sample(num_chains, seed=key),)
        images, condition = tf.shape(fields["x"])[0], None
        if vae.condition is not None:
            rows = tf.tile(tf.range(images), [num_chains])
            condition = tf.gather(vae.condition(fields["condition"]), rows)
        z = vae.sample_prior(num_chains * images, key, condition)
        return tuple(
            tf.reshape(part, [num_chains, images, *shape]) for part, shape in zip(z, vae.latent_shapes, strict=True)
        )

    return begin


def _make_chain(vae, mode, start, num_leapfrog_steps):
    def chain(fields, z, betas, steps, key):
        batch = vae.spec.tensors(fields)
        condition = None if vae.condition is None else vae.condition(batch.condition)
        top_prior = vae.prior_of(len(vae.levels) - 1, condition=condition)
        posterior = vae.posterior_of(batch) if start == "posterior" else None

        def log_ends(*z):
            """Return the logarithms of the path's two ends at z."""
            log_prior = vae.log_prior(z, condition=condition, top_prior=top_prior)
            log_joint = log_prior + vae.log_likelihood(batch, vae.decoded(z, condition))
            return log_prior if posterior is None else posterior.log_prob(z[0]), log_joint

        def log_ratio(z):
            first, last = log_ends(*z)
            return last - first

        def move(z, beta, step_size, number):
            def log_target(*z):
                first, last = log_ends(*z)
                return (1.0 - beta) * first + beta * last

            # Of steps of one size the trajectory may be a whole period of the target's, and end where it began.
            shape = tf.shape(z[0])[:2]
            jitter = tf.random.stateless_uniform(shape, fold_in(key, number, 0), 0.5, 1.5, step_size.dtype)
            kernel = tfp.mcmc.HamiltonianMonteCarlo(log_target, (step_size * jitter)[..., None], num_leapfrog_steps)
            z, results = kernel.one_step(list(z), kernel.bootstrap_results(list(z)), seed=fold_in(key, number, 1))
            return tuple(z), tf.reduce_mean(tf.exp(tf.minimum(results.log_accept_ratio, 0)), axis=0)

        def up(number, z, log_weight, used, factor):
            log_weight += (betas[number + 1] - betas[number]) * log_ratio(z)
            size = steps[number] * factor
            z, accepted = move(z, betas[number + 1], size, number)
            if mode == "tune":
                factor *= tf.exp(_GAIN * (accepted - _ACCEPTANCE))
                used = used.write(number, size)
            return number + 1, z, log_weight, used, factor

        def down(number, z, log_weight, used, factor):
            z, _ = move(z, betas[number], steps[number - 1], number)
            log_weight += (betas[number - 1] - betas[number]) * log_ratio(z)
            return number - 1, z, log_weight, used, factor

        last = tf.shape(betas)[0] - 1
        begin, end = (last, 0) if mode == "down" else (0, last)
        used = tf.TensorArray(betas.dtype, size=last if mode == "tune" else 0, element_shape=[None])
        _, _, log_weight, used, _ = tf.while_loop(
            lambda number, *_: tf.not_equal(number, end),
            down if mode == "down" else up,
            (begin, z, tf.zeros(tf.shape(z[0])[:2], betas.dtype), used, tf.ones(tf.shape(z[0])[1:2], betas.dtype)),
            parallel_iterations=1,
        )
        return log_weight, used.stack() if mode == "tune" else steps

    return chain
