"""The models of the package: a VAE with one latent variable, and one with several levels."""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_vae.conditions import Condition
from keras_vae.core import register
from keras_vae.likelihoods import Likelihood
from keras_vae.models.latent_variable_model import LatentVariableModel, Level
from keras_vae.objectives import Objective
from keras_vae.posteriors import Posterior
from keras_vae.priors import Prior


@register
class VAE(LatentVariableModel):
    """A variational autoencoder (Kingma & Welling 2014): x -> q(z|x) -> z -> p(x|z), one latent variable for each x.

    Parameters
    ----------
    encoder : keras.layers.Layer or keras.Model
        From x, or from `[x, condition]`, to features.
    posterior : Posterior
        From features to q(z|x); owns the latent dimension.
    decoder : keras.layers.Layer or keras.Model
        From z, or from `[z, condition]`, to features. `decode` gives observations, the decoder alone features.
    likelihood : Likelihood
        From features to p(x|z); owns the event shape.
    prior : Prior, optional
        p(z); `StandardNormal()` by default.
    objective : Objective, optional
        What is minimised; `ELBO()` by default.
    condition : Condition, optional
        What encoder, decoder and conditional priors are given as well; nothing by default.
    missing : bool
        Whether x may have gaps: NaN, or what a mask hides. The encoder then gets x with zeros in the gaps and the mask
        appended as channels, of shape `seen_shape`; the likelihood scores what is observed, so that the elbo is a bound
        on its log p, and `IWELBO` is MIWAE (Mattei & Frellsen 2019). Pseudo-inputs of a `VampPrior` have no gaps.
    seed : int, optional
        Seed of the noise; a fresh one by default. Two models with one seed and one initialization train alike.
    **kwargs
        Passed to `keras.Model`.

    Raises
    ------
    TypeError
        If a part is not of its kind.
    ValueError
        If parts do not fit together: an elbo of a deterministic code, or a decoder of another event shape.

    Examples
    --------
    >>> vae = VAE(
    ...     encoder=keras_vae.networks.MLPEncoder((500, 500)),
    ...     posterior=keras_vae.posteriors.DiagonalGaussian(latent_dim=40),
    ...     decoder=keras_vae.networks.MLPDecoder((500, 500)),
    ...     likelihood=keras_vae.likelihoods.Bernoulli(event_shape=(28, 28, 1)),
    ... )
    >>> vae.compile(optimizer="adam")
    """

    part_names = ("encoder", "posterior", "decoder", "likelihood", "prior", "objective", "condition")

    posterior: Posterior
    prior: Prior

    def __init__(
        self,
        *,
        encoder: keras.layers.Layer,
        posterior: Posterior,
        decoder: keras.layers.Layer,
        likelihood: Likelihood,
        prior: Prior | None = None,
        objective: Objective | None = None,
        condition: Condition | None = None,
        missing: bool = False,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(objective=objective, condition=condition, missing=missing, seed=seed, **kwargs)
        self._set_parts(encoder=encoder, posterior=posterior, decoder=decoder, likelihood=likelihood, prior=prior)

    @functools.cached_property
    def levels(self) -> tuple[Level, ...]:
        """The only level."""
        return (Level(self.encoder, self.posterior, self.prior),)

    @property
    def latent_dim(self) -> int:
        """The number of latent dimensions."""
        return self.posterior.latent_dim

    if TYPE_CHECKING:

        def encode(self, x: Any, *, batch_size: int = 128) -> np.ndarray: ...


@register
class HierarchicalVAE(LatentVariableModel):
    """A VAE with L levels of latent variables, inferred and generated from the top down.

    `q(z|x) = q(z_L|x) q(z_{L-1}|x, z_L) ... q(z_1|x, z_2)`,
    `p(x, z) = p(z_L) p(z_{L-1}|z_L) ... p(z_1|z_2) p(x|z_1, ..., z_L)` (Tomczak & Welling 2018, section 4, for L = 2).

    All arguments and results that exist for each level are in bottom-up order, z_1 first.

    Parameters
    ----------
    encoders : sequence of keras.layers.Layer
        From x to features for the top level, from `[x, z_above]` for each other, with the condition last if there is
        one. One with the attribute `repeats_rows` gets each x once for all its samples of z_above, others get it once
        for each.
    posteriors : sequence of Posterior
        From features to each level's q; they own the latent dimensions.
    priors : sequence of Prior
        Each level's prior: `ConditionalGaussian` for all but the top one.
    decoder : keras.layers.Layer
        From `[z_1, ..., z_L]`, with the condition last if there is one, to features.
    likelihood : Likelihood
        From features to p(x|z_1, ..., z_L).
    objective : Objective, optional
        What is minimised; `ELBO()` by default.
    condition : Condition, optional
        What all encoders, the decoder and conditional priors are given as well; nothing by default.
    missing : bool
        Whether x may have gaps, as in `VAE`: all encoders then get x with its mask appended as channels.
    seed : int, optional
        Seed of the noise; a fresh one by default.
    **kwargs
        Passed to `keras.Model`.

    Raises
    ------
    TypeError
        If a part is not of its kind.
    ValueError
        If there are fewer than two levels, or not as many parts for each.
    """

    sequence_names = ("encoders", "posteriors", "priors")

    def __init__(
        self,
        *,
        encoders: Sequence[keras.layers.Layer],
        posteriors: Sequence[Posterior],
        priors: Sequence[Prior],
        decoder: keras.layers.Layer,
        likelihood: Likelihood,
        objective: Objective | None = None,
        condition: Condition | None = None,
        missing: bool = False,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(objective=objective, condition=condition, missing=missing, seed=seed, **kwargs)
        parts = {"encoders": encoders, "posteriors": posteriors, "priors": priors}
        self._set_parts(**parts, decoder=decoder, likelihood=likelihood)

    @functools.cached_property
    def levels(self) -> tuple[Level, ...]:
        """The levels, bottom-up."""
        return tuple(map(Level, self.encoders, self.posteriors, self.priors))

    @property
    def latent_dim(self) -> tuple[int, ...]:
        """The number of latent dimensions of each level, bottom-up."""
        return tuple(posterior.latent_dim for posterior in self.posteriors)

    if TYPE_CHECKING:

        def encode(self, x: Any, *, batch_size: int = 128) -> tuple[np.ndarray, ...]: ...
