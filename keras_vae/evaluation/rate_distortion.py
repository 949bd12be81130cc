"""Rate against distortion over a sweep of beta."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from keras_vae.core import check_integer, check_number, resolve_seed
from keras_vae.evaluation.bound import bound
from keras_vae.evaluation.execution import check_model, check_unweighted, progress_bar
from keras_vae.models import LatentVariableModel, collect


class RateDistortionPoint(NamedTuple):
    """One model of a sweep, in nats for each example.

    Attributes
    ----------
    beta : float
        The weight of the rate that the model was trained with.
    rate : float
        E_x KL[q(z|x) || p(z)].
    distortion : float
        -E_x E_q[log p(x|z)].
    elbo : float
        -distortion - rate.
    """

    beta: float
    rate: float
    distortion: float
    elbo: float


def rate_distortion(
    models: Mapping[float, LatentVariableModel] | Callable[[float], LatentVariableModel],
    x: Any,
    betas: Iterable[float] | None = None,
    *,
    elbo_samples: int = 64,
    seed: int | None = None,
    progress: bool = False,
) -> list[RateDistortionPoint]:
    """Measure rate and distortion of models trained with different betas (Alemi et al. 2018).

    Parameters
    ----------
    models : mapping or callable
        From beta to a trained model; a function builds and trains one, which is released once it is measured.
    x : array_like
        Shape (n, *x_shape): observations, as the likelihood takes them.
    betas : sequence of float, optional
        The sweep, for a function; of a mapping all keys are taken by default.
    elbo_samples : int
        Samples of q(z|x), at least 1.
    seed : int, optional
        Of the noise, the same for all models; a fresh one by default.
    progress : bool
        Whether a bar shows how far the sweep is.

    Returns
    -------
    list of RateDistortionPoint
        In ascending order of beta.

    Raises
    ------
    TypeError
        If `models` is neither a mapping nor a function, or does not give models of this package.
    ValueError
        If a beta is negative, there is none, or x does not suit the likelihood.

    Examples
    --------
    >>> points = rate_distortion(train_one, test_x, betas=(0.25, 1.0, 4.0))
    >>> keras_vae.plots.rate_distortion(points)
    """
    check_integer("elbo_samples", elbo_samples, minimum=1)
    if isinstance(models, Mapping):
        betas = list(models) if betas is None else list(betas)
        make = models.__getitem__
    elif callable(models):
        betas, make = list(betas or ()), models
    else:
        raise TypeError(
            "`models` must be a mapping from beta to a trained model, or a function that trains one. "
            f"Received: {type(models).__name__}"
        )
    betas = sorted(check_number("betas", beta, minimum=0.0) for beta in betas)
    if not betas:
        raise ValueError("`betas` must hold at least one beta. Received: none")
    seed = resolve_seed(seed)
    bar = progress_bar(len(betas), "model", progress)
    points = []
    for number, beta in enumerate(betas):
        vae = check_model(make(beta))
        found = bound(vae, check_unweighted(collect(x, vae.spec), "rate_distortion"), elbo_samples, seed=seed)
        points.append(
            RateDistortionPoint(
                beta, float(found.rate.mean()), float(found.distortion.mean()), float(found.elbo.mean())
            )
        )
        bar.update(number + 1)
    return points
