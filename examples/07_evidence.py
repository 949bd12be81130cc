# %% [markdown]
# # 7. The evidence, and bounds on it
#
# $\log p(x)$, the *evidence*, is how probable a model finds an image: the number by which models should be compared. A
# VAE is trained on a lower bound of it. How much lower? First for a model simple enough to know the answer, then for
# one of clothes.
#
# The notebook `07_evidence.ipynb` holds these cells with their results. In Colab, upload it, and in a first cell
# `!git clone` the repository and `%cd` into it. In VS Code, open either file; in a terminal, run
# `python examples/07_evidence.py`.

# %%
import importlib.metadata
import os
import pathlib
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # "0" shows what TensorFlow notes, of a GPU say

if not any(importlib.metadata.distributions(name="keras-vae")):  # install it from the clone that this file is in
    here = pathlib.Path(globals().get("__file__", "here")).resolve()
    clone = next(folder for folder in here.parents if (folder / "setup.cfg").exists())
    installed = {package.name: package.version for package in importlib.metadata.distributions()}
    kept = [f"{name}=={installed[name]}" for name in ("tensorflow", "keras") if name in installed]  # as they are
    subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", *kept, str(clone)])

# %%
import argparse

import keras
import numpy as np
import scipy.stats

import keras_vae as kv

parser = argparse.ArgumentParser(description="The evidence and bounds on it.", allow_abbrev=False)
parser.add_argument("--fast", action="store_true", help="seconds in place of minutes, and worse pictures")
parser.add_argument("--dataset", default="fashion_mnist", help="fashion_mnist, mnist or digits")
parser.add_argument("--output", default="runs/07_evidence", type=pathlib.Path, help="the folder for the results")
options, _ = parser.parse_known_args()  # a notebook's kernel has arguments of its own
keras.utils.set_random_seed(0)

# %% [markdown]
# ## A model whose evidence is known
#
# Let the decoder be linear and all noise Gaussian: $p(z) = \mathcal N(0, I)$, $p(x \mid z) = \mathcal N(W z + b, s^2
# I)$. Then $x$ is Gaussian, too, and so is the exact posterior:
#
# $$
# p(x) = \mathcal N(b, W W^{\top} + s^2 I) , \qquad
# p(z \mid x) = \mathcal N \bigl( s^{-2} S W^{\top} (x - b), S \bigr) , \qquad S = (I + s^{-2} W^{\top} W)^{-1} .
# $$
#
# SciPy computes the exact evidence of data drawn from it.

# %%
event_size, latent_dim, scale = 8, 3, 0.5
generator = np.random.default_rng(0)
weights, offset = generator.normal(size=(event_size, latent_dim)), generator.normal(size=event_size)
marginal = scipy.stats.multivariate_normal(offset, weights @ weights.T + scale**2 * np.eye(event_size))
train_x, x = np.split(marginal.rvs(5500, random_state=0).astype("float32"), [5000])
exact = marginal.logpdf(x)
exact_covariance = np.linalg.inv(np.eye(latent_dim) + weights.T @ weights / scale**2).astype("float32")
exact_mean = ((x - offset) @ weights @ exact_covariance / scale**2).astype("float32")

# %% [markdown]
# ## elbo + gap = evidence
#
# The same model as a `VAE`, with the decoder given and only $q(z \mid x)$ to learn. For every $q$,
#
# $$
# \log p(x) = \mathrm{elbo}(x) + \mathrm{KL}[q(z \mid x) \Vert p(z \mid x)] ,
# $$
#
# so the elbo is below by the divergence of $q$ from the exact posterior, the *gap*. Here we can compute all three. As
# training raises the elbo, the gap closes, and their sum stays where it is. A full covariance closes it; a factorized
# $q$ cannot follow the correlations of $S$, and however long it is trained it keeps a gap of at least
# $\frac 1 2 [\sum_j \ln (S^{-1})_{jj} - \ln \det S^{-1}]$.


# %%
stages = (1, 1, 2) if options.fast else (1, 4, 55)


def linear_vae(posterior):
    """Return the exact model with an encoder yet to be trained."""
    vae = kv.VAE(
        encoder=keras.layers.Identity(),
        posterior=posterior,
        decoder=keras.layers.Dense(event_size, trainable=False),
        likelihood=kv.likelihoods.Gaussian((event_size,), scale=scale, projection=None),
        seed=0,
    )
    rate = keras.optimizers.schedules.CosineDecay(0.05, decay_steps=50 * sum(stages))  # 50 batches an epoch
    vae.compile(keras.optimizers.Adam(rate), steps_per_execution=50)
    vae.decoder.set_weights([weights.T, offset])
    return vae


families = {
    "factorized": linear_vae(kv.posteriors.DiagonalGaussian(latent_dim)),
    "full covariance": linear_vae(kv.posteriors.FullCovarianceGaussian(latent_dim)),
}
print(f"exact evidence {exact.mean():.3f} nats, mean of {len(x)} examples")
precision = np.linalg.inv(exact_covariance)
floor = 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])
print(f"least gap of a factorized q {floor:.3f} nats")
print(f"{'q':>16} {'epochs':>7} {'elbo':>10} {'gap':>9} {'elbo + gap':>11}")
for name, vae in families.items():
    trained = 0
    for more in stages:
        vae.fit(kv.data.pipeline(train_x, batch_size=100, shuffle=True, seed=trained), epochs=more, verbose=0)
        trained += more
        q = vae.posterior_of(x)
        covariance = q.covariance() if name == "full covariance" else np.eye(latent_dim) * q.variance()[:, None]
        gap = np.mean(kv.divergences.gaussian_kl(q.mean(), covariance, exact_mean, exact_covariance))
        elbo = kv.evaluation.evaluate_vae(vae, x, 1, elbo_samples=1000, seed=0).elbo
        print(f"{name:>16} {trained:7} {elbo:10.3f} {gap:9.3f} {elbo + gap:11.3f}")

# %% [markdown]
# ## Sampling the evidence
#
# The evidence is an average over the prior, $p(x) = \mathbb E_{p(z)} [p(x \mid z)]$, and drawing $z$ from the prior is
# the plainest estimate of it. It wastes nearly all draws: few $z$ have anything to do with this $x$. *Importance
# sampling* draws from $q$, which knows $x$, and corrects by weights:
#
# $$
# p(x) \approx \frac 1 K \sum_{k=1}^{K} \frac{p(x \mid z_k) p(z_k)}{q(z_k \mid x)} , \quad z_k \sim q(z \mid x) .
# $$
#
# Both are right on average, for $p(x)$. Their logarithms are then too low on average, by Jensen's inequality: bounds
# that tighten as $K$ grows. For $K = 1$ the second is the elbo, for larger $K$ the bound of importance-weighted
# autoencoders, and where both end is the evidence. In three dimensions the prior gets there, too, if slowly.


# %%
def bounds_of(vae, x, by_prior, by_importance):
    """Return the bounds of each example, by name, as both methods give them with these numbers of samples."""
    found = {"elbo": kv.evaluation.log_evidence(vae, x, 1, seed=0)}
    for method, numbers in {"prior": by_prior, "importance": by_importance}.items():
        for number in numbers:
            found[f"{method}, K = {number:,}"] = kv.evaluation.log_evidence(vae, x, number, method=method, seed=0)
    return found


found = bounds_of(families["factorized"], x, by_prior=(100, 10_000), by_importance=(5, 50))
figure = kv.plots.bounds(found, exact=exact.mean(), title="The linear-Gaussian model, factorized q")
kv.plots.show(figure, options.output / "bounds_exact.png")

# %% [markdown]
# ## The same for clothes
#
# Now a VAE of Fashion-MNIST with 16 latent dimensions. Nobody knows its evidence, but the bounds keep their order, and
# where more samples change nothing any more, the tightest is as good as the evidence. The prior is hopeless in 16
# dimensions: with ten thousand samples it is still far below a single one from $q$.

# %%
train, test = kv.data.load(options.dataset)
train, test, epochs, by_prior, by_importance = (
    train.first(30_000),
    test.first(300),
    20,
    (100, 10_000),
    (5, 50, 500, 5000),
)
if options.fast:
    train, test, epochs, by_prior, by_importance = train.first(1000), test.first(100), 3, (100,), (5, 50)
test_x = kv.data.binarize(test.images, 777)
vae = kv.VAE(
    encoder=kv.networks.MLPEncoder((400,)),
    posterior=kv.posteriors.DiagonalGaussian(16),
    decoder=kv.networks.MLPDecoder((400,)),
    likelihood=kv.likelihoods.Bernoulli(train.images.shape[1:]),
    seed=0,
)
vae.compile(keras.optimizers.Adam(1e-3), steps_per_execution=16)
vae.fit(kv.data.pipeline(train.images, binarize="dynamic", shuffle=True, seed=0), epochs=epochs, verbose=0)

found = bounds_of(vae, test_x, by_prior, by_importance)
figure = kv.plots.bounds(found, title=f"{options.dataset}, 16 latent dimensions, {len(test)} test images")
kv.plots.show(figure, options.output / "bounds_images.png")
for name, values in sorted(found.items(), key=lambda item: item[1].mean()):
    print(f"{name:>22}: {values.mean():10.2f} nats")

# %% [markdown]
# What remains between the elbo and the evidence is $\mathrm{KL}[q(z \mid x) \Vert p(z \mid x)]$ again, of a posterior
# that is not Gaussian and an encoder that must serve all images. `ELBO` may be replaced in training by the tighter
# bound, `IWELBO(num_samples=50)`; `log_evidence(method="ais")` anneals from the prior and does not depend on $q$ at
# all; and `evaluate_vae`, or `keras-vae evaluate model.keras fashion_mnist`, reports all of it with standard errors.
