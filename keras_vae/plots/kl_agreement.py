"""Monte Carlo against the closed form of the KL divergence."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow_probability as tfp

from keras_vae.core import check_integer, fold_in, resolve_seed
from keras_vae.divergences import cross_check, monte_carlo_kl
from keras_vae.plots.style import BLUE, GREY, axes_for, bare, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NUM_SAMPLES = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)
# Numbers of z that are drawn at a time, which bounds the memory.
_NUMBERS = 2**22


def kl_agreement(
    posterior: tfp.distributions.Distribution,
    prior: tfp.distributions.Distribution,
    *,
    num_samples: Sequence[int] = _NUM_SAMPLES,
    seed: int | None = None,
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Figure | Any":
    """Show how the error of a Monte-Carlo KL divergence falls with the number of samples: as 1 / sqrt(n).

    The error is `monte_carlo_kl - closed_form_kl`, its root mean square over the examples of the batch, with fresh
    samples for each n. The line is the standard error `sd[log q(z|x) - log p(z)] / sqrt(n)`, of a separate draw of the
    largest n: it is fitted to nothing, so points on it say that the two computations agree.

    Parameters
    ----------
    posterior : tfp.distributions.Distribution
        q(z|x), of batch shape (batch,), such as `vae.posterior_of(x)`. A hundred examples give steady points.
    prior : tfp.distributions.Distribution
        p(z), such as `vae.prior.distribution()`.
    num_samples : sequence of int
        The n to show, each at least 1, the largest at least 2.
    seed : int, optional
        Of the samples; a fresh one by default.
    title : str, optional
        What stands above.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.figure.Figure, or `ax` where it is given

    Raises
    ------
    NotImplementedError
        If the pair has no closed form.
    ValueError
        If `num_samples` holds no such numbers.

    Examples
    --------
    >>> kl_agreement(vae.posterior_of(x[:100]), vae.prior.distribution(), seed=0).savefig("kl.png")
    """
    numbers = sorted({check_integer("num_samples", number, minimum=1) for number in num_samples})
    if not numbers or numbers[-1] < 2:
        raise ValueError(f"`num_samples` must hold a number of at least 2. Received: {num_samples!r}")
    seed = resolve_seed(seed)
    closed_form, deviation = _closed_form_and_deviation(posterior, prior, numbers[-1], fold_in(seed, 0))
    errors = np.stack([_monte_carlo(posterior, prior, number, seed) - closed_form for number in numbers])
    squares = np.square(errors).reshape(len(numbers), -1)
    root = np.sqrt(squares.mean(axis=1))

    axes = axes_for(ax, 5.6, 4.0)
    bare(axes)
    line = deviation / np.sqrt(numbers)
    axes.plot(numbers, line, color=GREY, linewidth=1.2, label=f"standard error: {deviation:.3g} nats / √n")
    bars = _standard_error_of_root(squares)
    axes.errorbar(
        numbers,
        root,
        bars,
        color=BLUE,
        linestyle="",
        marker="o",
        markersize=5,
        capsize=2,
        zorder=3,
        label=_label(squares),
    )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(0.3 * min(line.min(), root.min()), 3.0 * max(line.max(), root.max()))
    axes.set_xlabel("samples of q(z|x) for each example, n")
    axes.set_ylabel("error of the Monte-Carlo KL, nats")
    axes.legend(frameon=False, fontsize=9, loc="upper right")
    axes.set_title(title or f"closed form: {closed_form.mean():.2f} nats on average", fontsize=10, loc="left")
    return drawn(axes, ax)


def _label(squares):
    size = squares.shape[1]
    return f"root mean square over {size} examples" if size > 1 else "of one example"


def _standard_error_of_root(squares):
    """Return the standard error of the root of a mean, by the delta method; none for a single example."""
    size = squares.shape[1]
    if size < 2:
        return None
    root = np.sqrt(squares.mean(axis=1))
    return squares.std(axis=1, ddof=1) / np.sqrt(size) / np.maximum(2.0 * root, np.finfo(np.float64).tiny)


def _closed_form_and_deviation(posterior, prior, number, seed):
    """Return the closed form, and the standard deviation of one sample's log-ratio as a root mean square."""
    number = min(number, _samples_at_a_time(posterior))
    found = cross_check(posterior, prior, number, seed=seed)
    variance = number * np.square(found.standard_error.numpy(), dtype=np.float64)
    return found.closed_form.numpy().astype(np.float64), float(np.sqrt(variance.mean()))


def _monte_carlo(posterior, prior, number, seed):
    """Average over samples, in parts that fit into memory."""
    size, total = _samples_at_a_time(posterior), 0.0
    for start in range(0, number, size):
        part = min(size, number - start)
        found = monte_carlo_kl(posterior, prior, num_samples=part, seed=fold_in(seed, number, start))
        total = total + part * found.numpy().astype(np.float64)
    return total / number


def _samples_at_a_time(posterior):
    return max(2, _NUMBERS // math.prod([*posterior.batch_shape, *posterior.event_shape]))
