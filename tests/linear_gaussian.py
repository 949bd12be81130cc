"""The exact model: linear, Gaussian, with its evidence and posterior in closed form, and a `VAE` equal to it.

p(z) = N(0, I), p(x|z) = N(W z + b, s^2 I). Hence p(x) = N(b, W W^T + s^2 I) and p(z|x) = N(S W^T (x - b) / s^2, S) with
S = (I + W^T W / s^2)^-1 (Bishop 2006, section 12.2). The class computes in float64 with NumPy and SciPy and shares no
code with the package.
"""

import dataclasses
import functools

import keras
import numpy as np
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

import keras_vae as kv


@dataclasses.dataclass(frozen=True, eq=False)
class LinearGaussian:
    """The model p(z) = N(0, I), p(x|z) = N(weights z + offset, scale^2 I).

    Parameters
    ----------
    weights : numpy.ndarray
        W, of shape (event_size, latent_dim).
    offset : numpy.ndarray
        b, of shape (event_size,).
    scale : float
        s, the standard deviation of the observations' noise.
    """

    weights: np.ndarray
    offset: np.ndarray
    scale: float

    @classmethod
    def draw(cls, event_size=5, latent_dim=3, *, scale=0.8, orthogonal=False, seed=1):
        """Make a model at random.

        Parameters
        ----------
        event_size, latent_dim : int
            Dimensions of x and of z.
        scale : float
            s.
        orthogonal : bool
            Whether the columns of W are orthogonal, so that the exact posterior factorizes.
        seed : int
            Seed of W and b.

        Returns
        -------
        LinearGaussian
        """
        generator = np.random.default_rng(seed)
        weights = generator.normal(size=(event_size, latent_dim))
        if orthogonal:
            weights = np.linalg.qr(weights)[0] * np.linspace(0.5, 1.5, latent_dim)
        return cls(weights, generator.normal(size=event_size), scale)

    def rescaled(self, factor):
        """Return the model whose observations' noise has another standard deviation.

        Parameters
        ----------
        factor : float
            What s is multiplied by.

        Returns
        -------
        LinearGaussian
        """
        return dataclasses.replace(self, scale=self.scale * factor)

    @functools.cached_property
    def marginal(self):
        """The evidence p(x), as a frozen SciPy distribution."""
        covariance = self.weights @ self.weights.T + self.scale**2 * np.eye(len(self.offset))
        return scipy.stats.multivariate_normal(self.offset, covariance)

    @functools.cached_property
    def posterior_covariance(self):
        """S, the same for every x; shape (latent_dim, latent_dim)."""
        return np.linalg.inv(np.eye(self.weights.shape[1]) + self.weights.T @ self.weights / self.scale**2)

    def sample(self, n, *, seed):
        """Draw observations.

        Parameters
        ----------
        n : int
            How many.
        seed : int
            Their seed.

        Returns
        -------
        numpy.ndarray
            Shape (n, event_size).
        """
        return self.marginal.rvs(n, random_state=seed)

    def log_evidence(self, x):
        """Return log p(x).

        Parameters
        ----------
        x : numpy.ndarray
            Shape (n, event_size).

        Returns
        -------
        numpy.ndarray
            Shape (n,), in nats.
        """
        return self.marginal.logpdf(x)

    def log_evidence_observed(self, x, observed):
        """Return log p of what is observed.

        Parameters
        ----------
        x : numpy.ndarray
            Shape (n, event_size).
        observed : numpy.ndarray
            Shape (n, event_size), boolean.

        Returns
        -------
        numpy.ndarray
            Shape (n,), in nats.
        """
        return np.array(
            [
                scipy.stats.multivariate_normal(self.offset[seen], self.marginal.cov[np.ix_(seen, seen)]).logpdf(
                    row[seen]
                )
                if seen.any()
                else 0.0
                for row, seen in zip(x, observed, strict=True)
            ]
        )

    def conditional(self, x, observed):
        """Return mean and covariance of what is missing of one observation, given what is observed.

        `E[m|o] = b_m + C_mo C_oo^-1 (o - b_o)`, `Cov[m|o] = C_mm - C_mo C_oo^-1 C_om` (Bishop 2006, section 2.3.1).

        Parameters
        ----------
        x : numpy.ndarray
            Shape (event_size,).
        observed : numpy.ndarray
            Shape (event_size,), boolean.

        Returns
        -------
        tuple of numpy.ndarray
            Shapes (missing,) and (missing, missing).
        """
        covariance, hidden = self.marginal.cov, ~observed
        gain = covariance[np.ix_(hidden, observed)] @ np.linalg.inv(covariance[np.ix_(observed, observed)])
        mean = self.offset[hidden] + gain @ (x - self.offset)[observed]
        return mean, covariance[np.ix_(hidden, hidden)] - gain @ covariance[np.ix_(observed, hidden)]

    def posterior_mean(self, x):
        """Return E[z|x].

        Parameters
        ----------
        x : numpy.ndarray
            Shape (n, event_size).

        Returns
        -------
        numpy.ndarray
            Shape (n, latent_dim).
        """
        return (x - self.offset) @ self.weights @ self.posterior_covariance / self.scale**2

    def elbo(self, x, mean, covariance):
        """Return E_q[log p(x|z)] - KL[q || p(z)] for q = N(mean, covariance).

        With E_q |x - b - W z|^2 = |x - b - W mean|^2 + tr(W covariance W^T).

        Parameters
        ----------
        x : numpy.ndarray
            Shape (n, event_size).
        mean : numpy.ndarray
            Shape (n, latent_dim).
        covariance : numpy.ndarray
            Shape (n, latent_dim, latent_dim).

        Returns
        -------
        numpy.ndarray
            Shape (n,), in nats.
        """
        squares = np.square(x - self.offset - mean @ self.weights.T).sum(-1)
        squares = squares + np.einsum("di,nij,dj->n", self.weights, covariance, self.weights)
        log_likelihood = -0.5 * (squares / self.scale**2 + len(self.offset) * np.log(2 * np.pi * self.scale**2))
        dims = mean.shape[1]
        return log_likelihood - _gaussian_kl(mean, covariance, np.zeros((1, dims)), np.eye(dims))

    def gap(self, x, mean, covariance):
        """Return KL[q || p(z|x)] for q = N(mean, covariance).

        Parameters
        ----------
        x, mean, covariance : numpy.ndarray
            As in `elbo`.

        Returns
        -------
        numpy.ndarray
            Shape (n,), in nats.
        """
        return _gaussian_kl(mean, covariance, self.posterior_mean(x), self.posterior_covariance)

    def mean_field_gap(self):
        """Return the least KL[q || p(z|x)] that a factorized Gaussian q reaches.

        The best one has the exact mean and the variances 1 / (S^-1)_jj (Bishop 2006, section 10.1.2), so the gap is
        1/2 [log |S| + sum_j log (S^-1)_jj], whatever x is.

        Returns
        -------
        float
            In nats; zero if and only if S is diagonal.
        """
        precision = np.linalg.inv(self.posterior_covariance)
        return 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])


def maximum_likelihood(x, latent_dim):
    """Return the greatest mean of log p(x) that any `LinearGaussian` reaches on data: probabilistic PCA's.

    With eigenvalues l_1 >= l_2 >= … of the data's covariance, the best W spans the first `latent_dim` directions and
    s^2 is the mean of the other eigenvalues (Tipping & Bishop 1999, section 3.2).

    Parameters
    ----------
    x : numpy.ndarray
        Shape (n, event_size).
    latent_dim : int
        Columns of W.

    Returns
    -------
    float
        In nats for each example.
    """
    eigenvalues = np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1]
    variances = eigenvalues.copy()
    variances[latent_dim:] = eigenvalues[latent_dim:].mean()
    return -0.5 * np.sum(np.log(2 * np.pi * variances) + 1)


def linear_vae(model, posterior, *, objective=None, scale=None, missing=False, dtype="float64"):
    """Build a `VAE` from the package's parts whose p(x, z) is the exact model's; q(z|x) is still arbitrary.

    The encoder hands x on, so the projection of the posterior is the one linear map from x to q's parameters.

    Parameters
    ----------
    model : LinearGaussian
        The exact model.
    posterior : type
        `keras_vae.posteriors.DiagonalGaussian` or `FullCovarianceGaussian`.
    objective : keras_vae.objectives.Objective, optional
        `ELBO()` by default.
    scale : float or str, optional
        The likelihood's scale; the model's by default.
    missing : bool
        Whether x may have gaps.
    dtype : str
        Precision of all parts.

    Returns
    -------
    keras_vae.VAE
        Built.
    """
    event_size, latent_dim = model.weights.shape
    vae = kv.VAE(
        encoder=keras.layers.Identity(dtype=dtype),
        posterior=posterior(latent_dim, dtype=dtype),
        decoder=keras.layers.Dense(event_size, dtype=dtype),
        likelihood=kv.likelihoods.Gaussian(
            (event_size,), scale=model.scale if scale is None else scale, projection=None, dtype=dtype
        ),
        prior=kv.priors.StandardNormal(dtype=dtype),
        objective=objective,
        missing=missing,
        seed=0,
        dtype=dtype,
    )
    vae.build()
    vae.decoder.set_weights([model.weights.T, model.offset])
    return vae


def randomize_posterior(vae, *, seed, deviation=0.3, log_var=0.0):
    """Give q(z|x) a mean, a scale and, where it has them, correlations that depend on x at random.

    Parameters
    ----------
    vae : keras_vae.VAE
        What `linear_vae` built.
    seed : int
        Seed of the weights.
    deviation : float
        Standard deviation of the weights.
    log_var : float
        About which q's log variances lie.
    """
    generator = np.random.default_rng(seed)
    projection = vae.posterior.projection
    kernel, bias = (deviation * generator.normal(size=weight.shape) for weight in projection.weights)
    bias[vae.latent_dim : 2 * vae.latent_dim] += log_var
    projection.set_weights([kernel, bias])


def set_posterior(vae, model, *, widening=1.0):
    """Make q(z|x) the exact posterior, or one of the exact mean that is wider.

    Parameters
    ----------
    vae : keras_vae.VAE
        What `linear_vae` built. With a factorized q the model's W must have orthogonal columns.
    model : LinearGaussian
        Whose posterior.
    widening : float
        Factor on all standard deviations.
    """
    slope = model.posterior_covariance @ model.weights.T / model.scale**2
    factor = widening * np.linalg.cholesky(model.posterior_covariance)
    kernel, bias = (np.zeros(weight.shape) for weight in vae.posterior.projection.weights)
    size = vae.latent_dim
    kernel[:, :size] = slope.T
    bias[:size] = -slope @ model.offset
    bias[size : 2 * size] = 2 * np.log(np.diag(factor))
    if len(bias) > 2 * size:
        bias[2 * size :] = tfp.math.fill_triangular_inverse(np.tril(factor[1:, :-1]))
    vae.posterior.projection.set_weights([kernel, bias])


def moments(distribution):
    """Return the mean and the Cholesky factor of a batch of Gaussians.

    Parameters
    ----------
    distribution : tfp.distributions.Distribution
        What `DiagonalGaussian` or `FullCovarianceGaussian` built.

    Returns
    -------
    tuple of numpy.ndarray
        Shapes (n, latent_dim) and (n, latent_dim, latent_dim).
    """
    if isinstance(distribution, tfp.distributions.MultivariateNormalTriL):
        return distribution.mean().numpy(), distribution.scale.to_dense().numpy()
    return distribution.mean().numpy(), tf.linalg.diag(distribution.stddev()).numpy()


def sigma_point_record(vae, x):
    """Make the record of an inference whose samples are sigma points, so that averages over them are exact.

    The 2 d points mean ± sqrt(d) L e_i have the mean and the covariance of q = N(mean, L L^T), so every quadratic
    function of z has the same average over them as under q (Julier & Uhlmann 1997); for this model log p(x|z), log p(z)
    and log q(z|x) are quadratic in z.

    Parameters
    ----------
    vae : keras_vae.VAE
        What `linear_vae` built.
    x : numpy.ndarray
        Shape (n, event_size).

    Returns
    -------
    keras_vae.core.Inference
        Of 2 d samples.
    """
    record = vae.infer(x)
    (latent,) = record.latents
    mean, factor = moments(latent.posterior)
    size = mean.shape[1]
    steps = np.sqrt(size) * np.moveaxis(factor, -1, 0)  # (d, n, d): the columns of L
    z = np.concatenate([mean + steps, mean - steps])
    parameters = vae.likelihood(vae.decoder(z.reshape(-1, size)))
    parameters["mean"] = tf.reshape(parameters["mean"], [2 * size, *x.shape])
    return record._replace(
        latents=(latent._replace(z=z),),
        parameters=parameters,
        likelihood=vae.likelihood.distribution(parameters),
        log_likelihood=vae.log_likelihood(record.batch, parameters),
    )


def _gaussian_kl(mean_1, covariance_1, mean_2, covariance_2):
    precision = np.linalg.inv(covariance_2)
    shift = mean_2 - mean_1
    trace = np.trace(precision @ covariance_1, axis1=-2, axis2=-1)
    quadratic = np.einsum("ni,ij,nj->n", shift, precision, shift)
    log_determinants = np.linalg.slogdet(covariance_2)[1] - np.linalg.slogdet(covariance_1)[1]
    return 0.5 * (log_determinants - mean_1.shape[-1] + trace + quadratic)
