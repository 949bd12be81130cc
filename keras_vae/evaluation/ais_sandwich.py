"""Bidirectional Monte Carlo."""

from typing import Literal, NamedTuple

import numpy as np
import tensorflow as tf

from keras_vae.core import Stream, check_integer, fold_in, resolve_seed
from keras_vae.evaluation.annealing import Annealing
from keras_vae.evaluation.execution import check_model, compiled, plan_annealing, progress_bar
from keras_vae.models import LatentVariableModel


class Sandwich(NamedTuple):
    """What `ais_sandwich` found.

    Attributes
    ----------
    x : numpy.ndarray
        Shape (n, *x_shape): the simulated observations.
    lower : numpy.ndarray
        Shape (n,), in nats: on average a lower bound of log p(x).
    upper : numpy.ndarray
        Shape (n,), in nats: on average an upper bound of log p(x).
    """

    x: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def ais_sandwich(
    vae: LatentVariableModel,
    num: int = 16,
    *,
    num_chains: int = 16,
    num_steps: int = 1000,
    num_leapfrog_steps: int = 10,
    start: Literal["prior", "posterior"] = "prior",
    seed: int | None = None,
    batch_size: int | None = None,
    progress: bool = False,
) -> Sandwich:
    """Bound log p(x) from both sides, for observations simulated from the model (Grosse, Ghahramani & Adams 2015).

    z is drawn from p(z) and x from p(x|z), so z is an exact draw of p(z|x). Chains from the start of the path up to
    p(x, z) estimate p(x) without bias, chains from z down estimate 1 / p(x) without bias; by Jensen's inequality the
    logarithm of the first is too low and that of the second too high, on average, and each exceeds by e^b with
    probability e^-b at most. Where the two meet, the evidence is known, and the settings that made them meet may be
    trusted with real data like the model's own (Wu et al. 2017).

    Memory is bounded as in `log_evidence`.

    Parameters
    ----------
    vae : keras_vae.VAE or keras_vae.HierarchicalVAE
        The model.
    num : int
        Observations to simulate, at least 1.
    num_chains : int
        Chains in each direction for each observation, at least 1.
    num_steps, num_leapfrog_steps, start
        As in `log_evidence`.
    seed : int, optional
        Of all that is random; a fresh one by default.
    batch_size : int, optional
        The most observations at a time; the noise depends on it.
    progress : bool
        Whether a bar is shown.

    Returns
    -------
    Sandwich

    Raises
    ------
    TypeError
        If `vae` is no model of this package.
    ValueError
        If the model's posterior has no density or an argument is out of range.

    Examples
    --------
    >>> lower, upper = ais_sandwich(vae, 8, seed=0)[1:]
    """
    check_integer("num", num, minimum=1)
    check_integer("num_chains", num_chains, minimum=1)
    if batch_size is not None:
        check_integer("batch_size", batch_size, minimum=1)
    vae = check_model(vae)
    if vae.condition is not None:
        raise ValueError("`vae` must be a model without a condition to simulate from. Received: one with a condition")
    seed = resolve_seed(seed)
    fields = {"x": tf.TensorSpec([None, *vae.likelihood.x_shape], vae.variable_dtype)}
    annealing = Annealing(
        vae, fields, num_steps=num_steps, num_leapfrog_steps=num_leapfrog_steps, start=start, seed=seed
    )
    integer = tf.TensorSpec([], tf.int32)
    simulate = compiled(vae, _make_simulate, signature=[integer, tf.TensorSpec([2], tf.int32)])
    plan = plan_annealing(num_chains, vae.likelihood.working_numbers, batch_size)
    found = []
    bar = progress_bar(num, "image", progress)
    for place in range(0, num, plan.images):
        size = min(plan.images, num - place)
        x, z = simulate(size, fold_in(seed, Stream.SIMULATION, place))
        steps = annealing.tune({"x": x}, plan.samples, place)
        log_weights: dict[str, list[np.ndarray]] = {"up": [], "down": []}
        for chunk in range(plan.chunks):
            chains = min(plan.samples, num_chains - chunk * plan.samples)
            log_weights["up"].append(annealing.up({"x": x}, chains, steps, place, chunk))
            log_weights["down"].append(annealing.down({"x": x}, z, chains, steps, place, chunk))
        bounds = [_log_mean(np.concatenate(parts)) for parts in log_weights.values()]
        found.append((x.numpy(), bounds[0], -bounds[1]))
        bar.update(place + size)
    return Sandwich(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _log_mean(log_weights):
    return np.logaddexp.reduce(log_weights.astype(np.float64), axis=0) - np.log(len(log_weights))


def _make_simulate(vae):
    def simulate(num, key):
        z = vae.sample_prior(num, fold_in(key, 0))
        return vae.likelihood.sample(vae.decoded(z), fold_in(key, 1)), z

    return simulate
