# %% [markdown]
# # 6. The KL divergence: closed form, or Monte Carlo
#
# For two Gaussians the KL term is a formula. For most other pairs it is an average that must be sampled. This example
# checks each against the other, trains a model with each, and then trains one for which no formula exists.
#
# The notebook `06_monte_carlo_kl.ipynb` holds these cells with their results. In Colab, upload it, and in a first cell
# `!git clone` the repository and `%cd` into it. In VS Code, open either file; in a terminal, run
# `python examples/06_monte_carlo_kl.py`.

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

import keras_vae as kv

parser = argparse.ArgumentParser(description="The KL divergence in closed form and by Monte Carlo.", allow_abbrev=False)
parser.add_argument("--fast", action="store_true", help="seconds in place of minutes, and worse pictures")
parser.add_argument("--dataset", default="fashion_mnist", help="fashion_mnist, mnist or digits")
parser.add_argument("--output", default="runs/06_monte_carlo_kl", type=pathlib.Path, help="the folder for the results")
options, _ = parser.parse_known_args()  # a notebook's kernel has arguments of its own

train, test = kv.data.load(options.dataset)
train, test, epochs = train.first(30_000), test.first(5000), 15
if options.fast:
    train, test, epochs = train.first(1000), test.first(200), 3
test_x = kv.data.binarize(test.images, 777)

# %% [markdown]
# ## Two ways to one number
#
# $$
# \mathrm{KL}[q(z \mid x) \Vert p(z)] = \mathbb E_{q(z \mid x)} \bigl[ \log q(z \mid x) - \log p(z) \bigr]
# $$
#
# If $q = \mathcal N(\mu, \mathrm{diag}(\sigma^2))$ and $p = \mathcal N(0, I)$, the integral is
# $\frac 1 2 \sum_j (\mu_j^2 + \sigma_j^2 - 1 - \ln \sigma_j^2)$ nats. If not, average over samples:
#
# $$
# \widehat R_K = \frac 1 K \sum_{k=1}^{K} \bigl[ \log q(z_k \mid x) - \log p(z_k) \bigr] , \quad z_k \sim q(z \mid x) .
# $$
#
# `ELBO(kl="closed_form")` takes the first, `ELBO(kl="monte_carlo")` the second, with the log-probabilities of
# `tfp.distributions`, at the same samples that the decoder got. The package never replaces one by the other silently.


# %%
def trained(kl, prior=None, latent_dim=16):
    """Return a model and its training's history; weights, batches and noise begin alike."""
    keras.utils.set_random_seed(0)
    vae = kv.VAE(
        encoder=kv.networks.MLPEncoder((400,)),
        posterior=kv.posteriors.DiagonalGaussian(latent_dim),
        decoder=kv.networks.MLPDecoder((400,)),
        likelihood=kv.likelihoods.Bernoulli(train.images.shape[1:]),
        prior=prior,
        objective=kv.objectives.ELBO(kl=kl),
        seed=0,
    )
    vae.compile(keras.optimizers.Adam(1e-3), steps_per_execution=16)
    data = kv.data.pipeline(train.images, binarize="dynamic", shuffle=True, seed=0)
    return vae, vae.fit(data, validation_data=kv.data.pipeline(test_x), epochs=epochs, verbose=0)


vae, history = trained("closed_form")

# %% [markdown]
# ## The error falls as one over the square root
#
# $\widehat R_K$ is a mean of independent terms, so it is unbiased and its standard error is $s / \sqrt K$, with $s$ the
# standard deviation of one term. The line in the picture is that formula and was fitted to nothing; the points are
# the root mean square of the actual error against the closed form, over test images.

# %%
posterior, prior = vae.posterior_of(test_x[:100]), vae.prior.distribution()
kv.plots.show(kv.plots.kl_agreement(posterior, prior, seed=0), options.output / "kl_error.png")

# %% [markdown]
# The same as numbers, for single images: the difference, measured in its own standard errors, is of the order of one.
# A single sample may even be negative, although a KL divergence never is; clipping it would bias the bound.

# %%
check = kv.divergences.cross_check(posterior, prior, 10_000, seed=0)
print("image  closed form  Monte Carlo  difference  standard error, nats; 10,000 samples")
for i in range(5):
    closed_form, monte_carlo, difference, error = (float(part[i]) for part in check)
    print(f"{i:5} {closed_form:12.4f} {monte_carlo:12.4f} {difference:11.4f} {error:15.4f}")
scores = np.abs(check.difference / check.standard_error)
print(f"of 100 images {np.mean(scores < 2):.0%} are within two standard errors, all within {scores.max():.1f}")

# %% [markdown]
# ## Training with either
#
# One sample for each image and step is enough: its noise is averaged over the batch and over steps, and the distortion
# is sampled anyway. The two runs end in the same place, and their curves overlap. (The panel of the rate has a fine
# scale, on which the noise of each run shows.)

# %%
_, sampled_history = trained("monte_carlo")
figure = kv.plots.history({"closed form": history, "Monte Carlo": sampled_history})
kv.plots.show(figure, options.output / "training.png")
for name, run in {"closed form": history, "Monte Carlo": sampled_history}.items():
    print(f"{name}: test elbo {run.history['val_elbo'][-1]:.2f} nats after {epochs} epochs")

# %% [markdown]
# ## Where only Monte Carlo exists
#
# A mixture of Gaussians as the prior, $p(z) = \sum_k w_k \mathcal N(z; m_k, \mathrm{diag}(s_k^2))$, has no closed-form
# divergence. The package refuses `kl="closed_form"` before any training, and names the remedy.

# %%
try:
    trained("closed_form", prior=kv.priors.GaussianMixture(10), latent_dim=2)
except NotImplementedError as error:
    print(error)

# %% [markdown]
# With Monte Carlo the mixture is learned together with the rest: the prior moves to where the codes are, instead of the
# codes to where the prior is. The rate falls, and the elbo rises. (Along each line the prior's log-density is one nat
# lower than along the next line inside.)

# %%
fixed, _ = trained("closed_form", latent_dim=2)
mixed, _ = trained("monte_carlo", prior=kv.priors.GaussianMixture(10), latent_dim=2)
for name, model in {"standard normal prior": fixed, "mixture prior": mixed}.items():
    found = kv.evaluation.evaluate_vae(model, test_x[:1000], 100, seed=0)
    print(f"{name}: elbo {found.elbo:.2f}, rate {found.rate:.2f} nats ({found.rate_method})")
    codes, density = model.encode(test_x), model.prior.distribution()
    figure = kv.plots.latent_scatter(codes, test.labels, test.class_names, title=f"Test images, {name}")
    everything = np.concatenate([codes, density.sample(1000, seed=0)])
    points = kv.latents.grid(100, extent=np.stack([everything.min(axis=0) - 2, everything.max(axis=0) + 2], axis=1))
    heights = density.prob(points.astype("float32")).numpy().reshape(100, 100)
    levels = heights.max() * np.exp(-np.arange(5.0, 0.0, -1.0))
    figure.axes[0].contour(*points.T.reshape(2, 100, 100), heights, levels, colors="black", linewidths=0.7)
    kv.plots.show(figure, options.output / f"prior_{name.split()[0]}.png")

# %% [markdown]
# `VampPrior` goes further with the same objective: its components are posteriors of learned pseudo-images. How much of
# the evidence a bound misses is the subject of [example 7](07_evidence.py).
